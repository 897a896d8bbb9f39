import FleetProtocol
import Glibc

/// Answers one forced command: the request from SSH_ORIGINAL_COMMAND, the identity from our own arguments.
enum ForcedCommandProcess {
  /// The process's exit status. The reply is all that goes to standard output.
  static func run(_ line: ForcedCommandLine) -> Int32 {
    // A laptop that goes away is seen as an error of write(2).
    signal(SIGPIPE, SIG_IGN)
    do throws(Refusal) {
      guard let request = getenv("SSH_ORIGINAL_COMMAND").map({ String(cString: $0) }) else {
        throw Refusal(
          .requestRefused, "this key opens no shell",
          hint: "use the fleet command, or one of the requests of PROTOCOL.md")
      }
      switch line {
      case .device(let device, let port, let standing, let home):
        try DeviceRequests(home: try Home.locate(option: home), device: device, port: port, standing: standing)
          .answer(request)
      case .operator(let name, let home):
        try OperatorRequests(home: try Home.locate(option: home), name: name).answer(request)
      case .enrollKey(let id, let home):
        try ReplyOutput.write(
          try EnrollKeyRequests(home: try Home.locate(option: home), enrollKey: id).answer(request))
      }
      return ExitStatus.done.rawValue
    } catch {
      line.waitForTurn()
      try? ReplyOutput.write(.refused(error))
      return error.code.exitStatus.rawValue
    }
  }
}

extension ForcedCommandLine {
  /// What an agent asks is rarely refused: whoever asks in vain again and again is answered slowly. Operators are people.
  fileprivate func waitForTurn() {
    switch self {
    case .device(let device, _, _, let home):
      if let home = try? Home.locate(option: home) { RequestGate.waitForTurn(home, of: device.rawValue) }
    case .enrollKey(let id, let home):
      if let home = try? Home.locate(option: home) { RequestGate.waitForTurn(home, of: id.rawValue) }
    case .operator: break
    }
  }
}

/// Standard output of a forced command.
enum ReplyOutput {
  static func write(_ reply: Reply) throws(Refusal) { try write(reply.line + "\n") }

  /// A header, and behind it a line for each of the objects.
  static func write(_ fields: JSONObject, lines: [JSONObject]) throws(Refusal) {
    var bytes = Array((Reply.ok(fields).line + "\n").utf8)
    for object in lines {
      JSON.object(object).write(to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
    try write(bytes)
  }

  /// The same with lines that are written already.
  static func write(_ fields: JSONObject, lines: [[UInt8]]) throws(Refusal) {
    var bytes = Array((Reply.ok(fields).line + "\n").utf8)
    for line in lines {
      bytes += line
      bytes.append(UInt8(ascii: "\n"))
    }
    try write(bytes)
  }

  /// Throws `io-failed` when nobody reads any more.
  static func write(_ text: String) throws(Refusal) { try write(Array(text.utf8)) }

  /// Throws `io-failed` when nobody reads any more.
  static func write(_ bytes: [UInt8]) throws(Refusal) {
    try FileWriting.write(bytes[...], to: 1, sentence: "the reply cannot be written")
  }
}
