import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file descriptor that closes itself.
final class Descriptor {
  private(set) var number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close() }

  var isOpen: Bool { number >= 0 }

  func close() {
    guard isOpen else { return }
    closeDescriptor(number)
    number = -1
  }

  func setCloseOnExec() { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }

  func setNonBlocking() { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }

  /// Throws `io-failed`.
  static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(Refusal) -> Descriptor {
    let number = openDescriptor(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw .system("cannot open \(DisplayText.escaped(path))") }
    return Descriptor(number)
  }

  /// What is kept of what others say on standard error and the like.
  static let longestText = 4 << 20

  /// What comes until the other side ends, of which the first `limit` bytes are kept; an error counts as the end.
  func readToEnd(limit: Int = Descriptor.longestText) -> [UInt8] {
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = read(number, &buffer, buffer.count)
      if count > 0 {
        content += buffer[..<min(count, limit - content.count)]
      } else if count == 0 || errno != EINTR {
        return content
      }
    }
  }

  /// What is there now, for a descriptor that does not wait.
  func readAvailable() -> [UInt8] {
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = read(number, &buffer, buffer.count)
      if count > 0 { content += buffer[..<count] } else if count == 0 || errno != EINTR { return content }
    }
  }

  /// Writes everything, waiting where it must. Throws `io-failed`.
  func write(_ bytes: some Collection<UInt8>) throws(Refusal) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { writeDescriptor(number, $0) }
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { throw .system("cannot write") }
    }
  }
}

// Outside the type, where these names still mean the system calls.
private func closeDescriptor(_ number: Int32) { _ = close(number) }
private func openDescriptor(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func writeDescriptor(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(number, bytes.baseAddress, bytes.count)
}
