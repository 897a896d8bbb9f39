import Glibc

/// The folder in memory that belongs to one folder of fleet-server: there only while something stands in it.
struct MemoryFolder {
  let path: String
  /// It is there, and nobody but this account can write to it.
  let isTrusted: Bool

  /// Named after what the kernel calls fleet-server's folder, however its path is spelled.
  init(_ home: Home, in place: String = "/dev/shm") {
    var folder = stat()
    guard stat(home.path, &folder) == 0 else {
      (path, isTrusted) = ("", false)
      return
    }
    path = "\(place)/fleet-server-\(geteuid())-\(folder.st_dev)-\(folder.st_ino)"
    isTrusted = Self.isOurs(path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// Whether it is there now.
  func make() -> Bool {
    guard !path.isEmpty else { return false }
    mkdir(path, 0o700)
    return Self.isOurs(path)
  }

  func remove(_ name: String) {
    guard isTrusted, unlink(file(name)) == 0 else { return }
    rmdir(path)
  }

  /// Everybody may make folders there, so that somebody else's could have the name.
  private static func isOurs(_ path: String) -> Bool {
    var folder = stat()
    return lstat(path, &folder) == 0 && folder.st_mode & S_IFMT == S_IFDIR && folder.st_uid == geteuid()
      && folder.st_mode & 0o077 == 0
  }

  /// The names of what stands in it.
  var names: [String] { isTrusted ? FolderListing.names(in: path) : [] }
}
