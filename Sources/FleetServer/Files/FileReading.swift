import FleetProtocol
import Glibc

/// Reads whole files, those of /proc included.
enum FileReading {
  /// The file's bytes, `nil` when there is no such file. Throws `io-failed`, also for more than `limit` bytes.
  static func bytes(of path: String, limit: Int = 64 << 20) throws(Refusal) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .systemCall("\(path) cannot be opened")
    }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count == 0 { return content }
      if count < 0 {
        if errno == EINTR { continue }
        throw .systemCall("\(path) cannot be read")
      }
      content += chunk[..<count]
      guard content.count <= limit else { throw Refusal(.ioFailed, "\(path) is larger than \(limit) bytes") }
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
