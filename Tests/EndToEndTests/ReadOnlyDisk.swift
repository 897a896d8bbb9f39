import Foundation

/// Whether a read-only disk can be had. Where it cannot, its test is skipped visibly; under CI it fails instead.
let readOnlyDiskWanted = ReadOnlyDisk.obstacle == nil || ProcessInfo.processInfo.environment["CI"] != nil

/// What a process can write to a disk, and what it did.
enum ReadOnlyDisk {
  /// Why no disk can be made read-only here, or `nil` if one can.
  static let obstacle: String? = {
    let account = Account(
      name: NSUserName(), home: URL(filePath: "/"), uid: getuid() == 0 ? 65_534 : nil,
      passwd: URL(filePath: "/etc/passwd"), hasReadOnlyDisk: true)
    do {
      let probe = try Running(["true"], as: account, in: Scratch.folder)
      return probe.wait(30) == 0 ? nil : probe.error
    } catch {
      return "\(error)"
    }
  }()

  static func isReadOnly(_ path: String) -> Bool {
    var found = statvfs()
    return statvfs(path, &found) == 0 && found.f_flag & UInt(ST_RDONLY) != 0
  }

  /// The file systems of the regular files that the process has open for writing.
  static func fileSystemsOpenForWriting(_ pid: pid_t) throws -> [dev_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap { number in
      // One that has been closed since is no longer there.
      guard let text = try? String(contentsOfFile: "/proc/\(pid)/fdinfo/\(number)", encoding: .utf8),
        let flags = text.firstMatch(of: /flags:\s+(\d+)/).flatMap({ Int32($0.output.1, radix: 8) })
      else { return nil }
      var file = stat()
      guard stat("/proc/\(pid)/fd/\(number)", &file) == 0, file.st_mode & S_IFMT == S_IFREG else { return nil }
      return flags & O_ACCMODE == O_RDONLY ? nil : file.st_dev
    }
  }

  static func fileSystem(of path: String) throws -> dev_t {
    var file = stat()
    guard stat(path, &file) == 0 else { throw NeverHappened(what: "\(path) is there") }
    return file.st_dev
  }

  /// What the process has caused to be written to disks so far.
  static func writtenBytes(_ pid: pid_t) throws -> Int? {
    try String(contentsOfFile: "/proc/\(pid)/io", encoding: .utf8)
      .firstMatch(of: /(?m)^write_bytes: (\d+)/).flatMap { Int($0.output.1) }
  }

  /// Each file of a folder, and the folder, with what changes when it is written.
  static func files(in folder: String) throws -> [String: [Int]] {
    var files: [String: [Int]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) + ["."] {
      var file = stat()
      guard stat(folder + "/" + name, &file) == 0 else { continue }
      files[name] = [
        Int(file.st_ino), file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec, file.st_ctim.tv_sec,
        file.st_ctim.tv_nsec,
      ]
    }
    return files
  }
}
