import FleetProtocol
import Glibc

/// Reads whole files, those of /proc included.
enum FileReading {
  private static let firstPiece = 4096

  /// The file's bytes, `nil` when there is no such file. Throws `io-failed`, also for more than `limit` bytes.
  static func bytes(of path: String, limit: Int = 64 << 20) throws(Refusal) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .systemCall("\(path) cannot be opened")
    }
    defer { close(descriptor) }
    // Most files fit in the first piece; each further one is as large as all before it.
    var content: [UInt8] = []
    while true {
      var count = 0
      let piece = [UInt8](unsafeUninitializedCapacity: max(firstPiece, content.count)) { buffer, initialized in
        count = read(descriptor, buffer.baseAddress, buffer.count)
        initialized = max(0, count)
      }
      if count == 0 { return content }
      if count < 0 {
        if errno == EINTR { continue }
        throw .systemCall("\(path) cannot be read")
      }
      if content.isEmpty { content = piece } else { content += piece }
      guard content.count <= limit else { throw Refusal(.ioFailed, "\(path) is larger than \(limit) bytes") }
    }
  }

  /// Writes the file to an open descriptor. Throws `io-failed`.
  static func copy(_ path: String, to target: Int32) throws(Refusal) {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw .systemCall("\(path) cannot be opened") }
    defer { close(source) }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(source, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .systemCall("\(path) cannot be read") }
      if count == 0 { return }
      try FileWriting.write(chunk[..<count], to: target, sentence: "the output cannot be written")
    }
  }

  /// The file's first bytes, at most `count`; `nil` when they cannot be read.
  static func head(of path: String, count: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var chunk = [UInt8](repeating: 0, count: count)
    let got = read(descriptor, &chunk, count)
    return got < 0 ? nil : Array(chunk[..<got])
  }

  /// The file as text without its last newline, `nil` when it cannot be read.
  static func line(of path: String) -> String? {
    guard let content = try? bytes(of: path, limit: 1 << 20) else { return nil }
    return String(decoding: content.last == 0x0A ? content.dropLast() : content[...], as: UTF8.self)
  }
}

extension Refusal {
  /// What a failed system call means: call it at once, before anything else sets `errno`.
  static func systemCall(_ sentence: String, code: Code = .ioFailed, hint: String? = nil) -> Refusal {
    Refusal(code, "\(sentence): \(String(cString: strerror(errno)).lowercased())", hint: hint)
  }
}
