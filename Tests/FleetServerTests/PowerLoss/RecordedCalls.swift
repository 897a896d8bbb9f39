import Foundation
import TestProcesses
import Testing

/// One call that changed a file, as the library `file_calls.c` wrote it down.
enum RecordedCall {
  case create(String)
  case write(String, offset: Int, bytes: [UInt8])
  case truncate(String, size: Int)
  /// Also of a folder; the one that all are in is ".".
  case synchronise(String)
  case rename(String, to: String)
  case unlink(String)
  /// A reply went out: somebody was told.
  case reply
}

/// The library that records the calls of one program, and ends it before one of them.
struct CallRecorder {
  let library: String

  /// Compiled into the folder.
  init(in folder: String) throws {
    library = folder + "/file_calls.so"
    let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "file_calls.c").path
    let compiler = try ChildProcess(
      "cc", ["-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl", "-lpthread"])
    try #require(compiler.wait() == 0, "cc compiles file_calls.c")
  }

  /// What a program's environment must hold, so that the calls below `home` are recorded to `log`.
  func environment(home: String, log: String? = nil, killAt: Int? = nil) -> [String: String] {
    var environment = ["LD_PRELOAD": library, "FILE_CALLS_BELOW": home]
    environment["FILE_CALLS_LOG"] = log
    environment["FILE_CALLS_KILL_AT"] = killAt.map { "\($0)" }
    return environment
  }

  static func calls(in log: String) throws -> [RecordedCall] {
    var rest = try [UInt8](Data(contentsOf: URL(filePath: log)))[...]
    var calls: [RecordedCall] = []
    while let end = rest.firstIndex(of: 0x0A) {
      let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ", maxSplits: 4)
      try #require(words.count == 5, "a record of \(log)")
      let (first, count, name) = (try #require(Int(words[1])), try #require(Int(words[3])), String(words[4]))
      let bytes = Array(rest[(end + 1)..<(end + 1 + count)])
      rest = rest[(end + 2 + count)...]
      switch words[0] {
      case "c": calls.append(.create(name))
      case "w": calls.append(.write(name, offset: first, bytes: bytes))
      case "t": calls.append(.truncate(name, size: first))
      case "s": calls.append(.synchronise(name))
      case "r": calls.append(.rename(name, to: String(decoding: bytes, as: UTF8.self)))
      case "u": calls.append(.unlink(name))
      case "a": calls.append(.reply)
      default: throw NotUnderstood(text: "\(words)")
      }
    }
    return calls
  }

  struct NotUnderstood: Error { let text: String }
}

/// Random numbers that are the same in each run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
