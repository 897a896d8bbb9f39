import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads and writes small files whole.
enum FileStore {
  /// The file's bytes, `nil` when there is none. Throws `io-failed`, also for more than `limit` bytes.
  static func content(of path: String, limit: Int = 1 << 20) throws(Refusal) -> [UInt8]? {
    if access(path, F_OK) != 0, errno == ENOENT { return nil }
    let file = try Descriptor.open(path, O_RDONLY)
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = read(file.number, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("cannot read \(DisplayText.escaped(path))") }
      if count == 0 { return content }
      content += buffer[..<count]
      guard content.count <= limit else {
        throw Refusal(.ioFailed, "\(DisplayText.escaped(path)) is larger than \(limit) bytes")
      }
    }
  }

  /// The first bytes of a file, fewer where it is shorter. Throws `io-failed`.
  static func head(of path: String, count: Int) throws(Refusal) -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var buffer = [UInt8](repeating: 0, count: count)
    return Array(buffer[..<max(0, read(file.number, &buffer, count))])
  }

  /// Replaces the file in one step: whoever opens it sees the old content or the new one, never a part.
  ///
  /// Folders above it are made, for this account only. What is not `durable` may be lost with the power, and costs no
  /// wait for the disk. Throws `io-failed`.
  static func replace(
    _ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o600, durable: Bool = true
  ) throws(Refusal) {
    if let slash = path.lastIndex(of: "/") { try makeFolder(String(path[..<slash])) }
    let temporary = "\(path).\(getpid()).new"
    unlink(temporary)
    do throws(Refusal) {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      try file.write(bytes)
      guard fchmod(file.number, mode) == 0, !durable || fsync(file.number) == 0, rename(temporary, path) == 0 else {
        throw .system("cannot write \(DisplayText.escaped(path))")
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes at the end of the file, in one piece, so that others may do the same at the same time. Throws `io-failed`.
  static func append(_ text: String, to path: String) throws(Refusal) {
    if let slash = path.lastIndex(of: "/") { try makeFolder(String(path[..<slash])) }
    try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND).write(text.utf8)
  }

  /// Like `replace`, but leaves a file alone that holds these bytes already.
  static func replaceIfDifferent(_ path: String, with bytes: [UInt8]) throws(Refusal) {
    if let present = try? content(of: path), present == bytes { return }
    try replace(path, with: bytes)
  }

  /// Makes the folder and those above it, mode 0700. Throws `io-failed`.
  static func makeFolder(_ path: String) throws(Refusal) {
    if path.isEmpty || isFolder(path) { return }
    if let slash = path.lastIndex(of: "/") { try makeFolder(String(path[..<slash])) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .system("cannot make the folder \(DisplayText.escaped(path))")
    }
  }

  /// Makes a new folder for this account only below TMPDIR or /tmp. Throws `io-failed`.
  static func makeTemporaryFolder() throws(Refusal) -> String {
    // A Unix socket's path has at most 104 bytes on macOS, so a long TMPDIR gives way to /tmp.
    let wanted = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let parent = wanted.hasPrefix("/") && wanted.utf8.count <= 70 ? wanted : "/tmp"
    var template = Array("\(parent)/fleet-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .system("cannot make a folder in \(DisplayText.escaped(parent))") }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Removes these files and then their folder; what is not there or not empty is passed over.
  static func remove(files: [String], in folder: String) {
    for file in files { unlink("\(folder)/\(file)") }
    rmdir(folder)
  }

  /// Removes the file or the folder with everything in it; a link in it is removed, not followed.
  static func removeAll(_ path: String) {
    if unlink(path) == 0 { return }
    for name in names(in: path) { removeAll("\(path)/\(name)") }
    rmdir(path)
  }

  /// Gives the file or the folder another name, where it is there; what had that name is gone. Throws `io-failed`.
  static func move(_ path: String, to new: String) throws(Refusal) {
    guard exists(path) else { return }
    removeAll(new)
    guard rename(path, new) == 0 else { throw .system("cannot rename \(DisplayText.escaped(path))") }
  }

  /// What lies in a folder, in order; nothing where there is none.
  static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What tells a file from every other, whatever path leads to it; `nil` where there is none.
  static func identity(of path: String) -> [UInt64]? {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    return [UInt64(truncatingIfNeeded: information.st_dev), UInt64(information.st_ino)]
  }

  /// The permissions of a file; `nil` where there is none.
  static func mode(of path: String) -> mode_t? {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_mode & 0o7777 : nil
  }

  /// Whether the path itself is a symbolic link, wherever it leads.
  static func isLink(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFLNK
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Throws `io-failed`.
  static func size(of path: String) throws(Refusal) -> Int {
    var information = stat()
    guard stat(path, &information) == 0 else { throw .system("cannot read \(DisplayText.escaped(path))") }
    return Int(information.st_size)
  }

  /// When the file was last written or touched; `nil` where there is none.
  static func changeTime(of path: String) -> Timestamp? {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    return Timestamp(seconds: Int64(Platform.changeTime(information).tv_sec))
  }

  /// Makes now the time at which the file was changed.
  static func touch(_ path: String) { utimes(path, nil) }

  static func isFolder(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }
}
