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
    defer { unlink(temporary) }
    try writeNew(temporary, content)
    guard link(temporary, path) == 0 else { throw failed("create", path, errno) }
    try syncFolder(of: path)
  }

  /// Writes a file that only its owner may read over what is there: a power cut leaves the one or the other.
  static func replace(_ path: String, _ content: [UInt8]) throws(Refusal) {
    let temporary = "\(path).part"
    // What a power cut left of the last time.
    unlink(temporary)
    do throws(Refusal) {
      try writeNew(temporary, content)
      try rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Gives a file the name of another one, which is gone then. It is on disk when this returns.
  static func rename(_ path: String, to newPath: String) throws(Refusal) {
    guard Glibc.rename(path, newPath) == 0 else { throw failed("write", newPath, errno) }
    try syncFolder(of: newPath)
  }

  /// Deletes a file, if it is there.
  static func remove(_ path: String) throws(Refusal) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failed("delete", path, errno) }
    try syncFolder(of: path)
  }

  private static func writeNew(_ path: String, _ content: [UInt8]) throws(Refusal) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failed("create", path, errno) }
    let written = write(descriptor, content, content.count)
    // The kernel takes a part only where there is no room for the rest.
    var code = written == content.count ? 0 : written < 0 ? errno : ENOSPC
    if code == 0, fsync(descriptor) != 0 { code = errno }
    if close(descriptor) != 0, code == 0 { code = errno }
    guard code == 0 else { throw failed("write", path, code) }
  }

  /// Has the names in the file's folder written to the disk.
  private static func syncFolder(of path: String) throws(Refusal) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failed("open", folder, errno) }
    defer { close(descriptor) }
    // Some file systems do not know how, and have nothing to do then.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failed("write", folder, errno) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func failed(_ what: String, _ path: String, _ code: CInt) -> Refusal {
    Refusal(.ioFailed, "cannot \(what) '\(DisplayText.escaped(path))': \(String(cString: strerror(code)))")
  }
}
