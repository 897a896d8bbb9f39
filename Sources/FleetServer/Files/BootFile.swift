import FleetProtocol
import Glibc

/// A file in fleet-server's folder that is true for one boot of the machine at most, such as who holds a port.
///
/// Where the disk is full or read-only it stands in memory, where it may be by nature: a device comes back all the same,
/// and the claim after that one finds whom to end. What stands in memory is the later one.
struct BootFile {
  let path: String
  private let memory: MemoryFolder
  private let name: String

  init(_ path: String, home: Home) { self.init(path, memory: MemoryFolder(home)) }

  init(_ path: String, memory: MemoryFolder) {
    self.path = path
    self.memory = memory
    name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// Where it is to be read, `nil` where it is not there.
  var place: String? {
    if memory.isTrusted, access(memory.file(name), F_OK) == 0 { return memory.file(name) }
    return access(path, F_OK) == 0 ? path : nil
  }

  /// Throws `io-failed`.
  func bytes(limit: Int) throws(Refusal) -> [UInt8]? {
    if memory.isTrusted, let bytes = try FileReading.bytes(of: memory.file(name), limit: limit) { return bytes }
    return try FileReading.bytes(of: path, limit: limit)
  }

  /// The caller holds the lock that belongs to the file. Not made durable: after a power cut it says nothing. Throws
  /// `io-failed` where there is no room in memory either.
  func write(_ text: String) throws(Refusal) {
    do throws(Refusal) {
      try FileReplacement.write(text.utf8, to: path, durable: false)
      memory.remove(name)
    } catch {
      guard memory.make() else { throw error }
      try FileReplacement.write(text.utf8, to: memory.file(name), durable: false)
    }
  }

  func remove() {
    memory.remove(name)
    for path in [path, FileReplacement.beside(path)] { unlink(path) }
  }
}
