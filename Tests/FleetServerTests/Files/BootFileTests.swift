import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

@Suite struct BootFileTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let memory: MemoryFolder

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
    mkdir(folder.path + "/memory", 0o1777)
    memory = MemoryFolder(home, in: folder.path + "/memory")
  }

  /// As a later process finds it.
  private var file: BootFile {
    BootFile(home.sessions + "/x.json", memory: MemoryFolder(home, in: folder.path + "/memory"))
  }

  /// A folder where the new text must be written: the same error as from a full disk.
  private func breakDisk() { mkdir(home.sessions + "/x.json.new", 0o700) }

  private func text() throws -> String? { try file.bytes(limit: 100).map { String(decoding: $0, as: UTF8.self) } }

  @Test func itStandsOnTheDiskWhereThatCanBeWritten() throws {
    #expect(try text() == nil && file.place == nil)
    try file.write("one")
    #expect(try text() == "one" && file.place == home.sessions + "/x.json")
    #expect(!FileManager.default.fileExists(atPath: memory.path))
  }

  @Test func elseInMemoryAndTheLaterOneCounts() throws {
    try file.write("one")
    breakDisk()
    try file.write("two")
    #expect(try text() == "two" && file.place == memory.path + "/x.json")
    try file.write("three")
    #expect(try text() == "three")
    rmdir(home.sessions + "/x.json.new")
    try file.write("four")
    #expect(try text() == "four")
    #expect(!FileManager.default.fileExists(atPath: memory.path), "nothing is left in memory")
  }

  @Test func aFolderOfSomebodyElsesIsNotUsed() throws {
    breakDisk()
    mkdir(memory.path, 0o777)
    chmod(memory.path, 0o777)
    #expect(throws: Refusal.self) { try file.write("one") }
    rmdir(memory.path)
    symlink(folder.path, memory.path)
    #expect(throws: Refusal.self) { try file.write("one") }
    #expect(try text() == nil)
  }
}

@Suite struct FileLockTests {
  @Test func aLockThatWasRemovedIsNotTheLockAnyMore() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/lock"
    let first = try #require(try FileLock(path: path, wait: .zero))
    #expect(try FileLock(path: path, wait: .zero) == nil)
    first.releaseAndRemove()
    let second = try #require(try FileLock(path: path, wait: .zero))
    #expect(try FileLock(path: path, wait: .zero) == nil)
    second.release()
  }

  @Test func whereNoneCanBeMadeTheFolderIsLocked() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/none/lock"
    #expect(throws: Refusal.self) { try FileLock(path: path, wait: .zero) }
    let lock = try #require(try FileLock(path: path, wait: .zero, substitute: folder.path))
    #expect(try FileLock(path: path, wait: .zero, substitute: folder.path) == nil)
    lock.release()
  }
}
