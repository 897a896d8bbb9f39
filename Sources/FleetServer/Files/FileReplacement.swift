import FleetProtocol
import Glibc

/// Replaces a file in one step, so that a reader sees the old text or the new one and nothing between.
enum FileReplacement {
  /// A new text that is whole beside the file, and on the disk where that was wanted.
  struct Prepared {
    fileprivate let path: String
    fileprivate let durable: Bool

    /// Takes the file's place: what can fail for want of room has been done. Throws `io-failed`.
    func putInPlace() throws(Refusal) {
      guard rename(FileReplacement.beside(path), path) == 0 else { throw .systemCall("\(path) cannot be replaced") }
      if durable { try FileReplacement.synchroniseFolder(of: path) }
    }

    /// Leaves the file as it is.
    func drop() { unlink(FileReplacement.beside(path)) }
  }

  /// Where the new text of a file stands until it is whole.
  static func beside(_ path: String) -> String { path + ".new" }

  /// Writes beside the file and renames. The caller holds the lock that belongs to the file.
  ///
  /// `durable` also waits until the text and the folder's entry are on the disk. Throws `io-failed`.
  static func write(_ content: some Collection<UInt8>, to path: String, mode: mode_t = 0o600, durable: Bool)
    throws(Refusal)
  {
    let prepared = try prepare(content, for: path, mode: mode, durable: durable)
    do throws(Refusal) { try prepared.putInPlace() } catch {
      prepared.drop()
      throw error
    }
  }

  /// Writes beside the file only. The caller holds the lock that belongs to the file. Throws `io-failed`.
  static func prepare(
    _ content: some Collection<UInt8>, for path: String, mode: mode_t = 0o600, durable: Bool
  ) throws(Refusal) -> Prepared {
    let beside = beside(path)
    let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .systemCall("\(beside) cannot be made") }
    do throws(Refusal) {
      defer { close(descriptor) }
      guard fchmod(descriptor, mode) == 0 else { throw .systemCall("\(beside) cannot be made private") }
      try FileWriting.write(Array(content)[...], to: descriptor, sentence: "\(beside) cannot be written")
      guard !durable || fsync(descriptor) == 0 else { throw .systemCall("\(beside) cannot be written") }
    } catch {
      unlink(beside)
      throw error
    }
    return Prepared(path: path, durable: durable)
  }

  /// Puts a file that stands beside `path` in its place, for good.
  static func put(_ beside: String, inPlaceOf path: String) throws(Refusal) {
    let descriptor = open(beside, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw .systemCall("\(beside) cannot be opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .systemCall("\(beside) cannot be written") }
    guard rename(beside, path) == 0 else { throw .systemCall("\(path) cannot be replaced") }
    try synchroniseFolder(of: path)
  }

  /// Makes a change of the file's folder survive a power cut.
  static func synchroniseFolder(of path: String) throws(Refusal) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .systemCall("\(folder) cannot be opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .systemCall("\(folder) cannot be written") }
  }
}
