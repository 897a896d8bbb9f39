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
  func set(_ login: LoginName, for name: String) throws(Refusal) { try change { $0.set(login, for: name) } }

  /// Takes out the devices of a HostA that has this name no more. Throws `io-failed`.
  func forget(host: String, unnamed: Bool) throws(Refusal) {
    guard FileStore.exists(path) else { return }
    try change { $0.forget(host: host, unnamed: unnamed) }
  }

  private func change(_ body: (inout LoginBook) -> Void) throws(Refusal) {
    if let slash = path.lastIndex(of: "/") { try FileStore.makeFolder(String(path[..<slash])) }
    // Many ssh begin at once, and none may lose what another has learned.
    let lock = try Descriptor.open("\(path).lock", O_RDWR | O_CREAT)
    guard flock(lock.number, LOCK_EX) == 0 else { throw .system("cannot lock \(DisplayText.escaped(path))") }
    defer { withExtendedLifetime(lock) {} }
    var book = content
    body(&book)
    try FileStore.replaceIfDifferent(path, with: Array(book.text.utf8))
  }

  func remove() {
    unlink(path)
    unlink("\(path).lock")
  }
}
