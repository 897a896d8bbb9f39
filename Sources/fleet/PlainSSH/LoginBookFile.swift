import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The login book on this laptop's disk.
struct LoginBookFile {
  let path: String

  /// Empty where there is no file yet.
  var content: LoginBook {
    LoginBook(parsing: String(decoding: (try? FileStore.content(of: path, limit: 1 << 24)) ?? [], as: UTF8.self))
  }

  /// Throws `io-failed`.
  func set(_ login: LoginName, for name: String) throws(Refusal) {
    if let slash = path.lastIndex(of: "/") { try FileStore.makeFolder(String(path[..<slash])) }
    // Many ssh begin at once, and none may lose what another has learned.
    let lock = try Descriptor.open("\(path).lock", O_RDWR | O_CREAT)
    guard flock(lock.number, LOCK_EX) == 0 else { throw .system("cannot lock \(DisplayText.escaped(path))") }
    defer { withExtendedLifetime(lock) {} }
    var book = content
    book.set(login, for: name)
    try FileStore.replaceIfDifferent(path, with: Array(book.text.utf8))
  }

  func remove() {
    unlink(path)
    unlink("\(path).lock")
  }
}
