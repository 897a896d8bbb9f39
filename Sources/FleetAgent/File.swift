import FleetProtocol
import Glibc

/// Whole small files.
enum File {
  /// Throws `io-failed` when the file cannot be read or is longer than `limit` bytes.
  static func read(_ path: String, limit: Int) throws(Refusal) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failed("read", path, errno) }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failed("read", path, errno) }
      if count == 0 { return content }
      content += chunk[..<count]
      guard content.count <= limit else {
        throw Refusal(.ioFailed, "'\(DisplayText.escaped(path))' is longer than \(limit) bytes")
      }
    }
  }

  /// Writes a new file that only its owner may read. An existing file is never touched: that throws `io-failed`.
  static func create(_ path: String, _ content: [UInt8]) throws(Refusal) {
    // Written beside and then linked, so that no half of a key ever has the name.
    let temporary = "\(path).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failed("create", temporary, errno) }
    defer { unlink(temporary) }
    let written = write(descriptor, content, content.count)
    let code = written == content.count && fsync(descriptor) == 0 ? 0 : errno
    guard close(descriptor) == 0, code == 0 else { throw failed("write", temporary, code) }
    guard link(temporary, path) == 0 else { throw failed("create", path, errno) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func failed(_ what: String, _ path: String, _ code: CInt) -> Refusal {
    Refusal(.ioFailed, "cannot \(what) '\(DisplayText.escaped(path))': \(String(cString: strerror(code)))")
  }
}
