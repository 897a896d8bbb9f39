import Foundation

/// A hundred ports below the ephemeral range that no other lab on this machine uses at the same time, in this test run
/// or in another copy of it.
final class PortBlock: Sendable {
  let index: Int
  private let lock: Int32

  /// Takes the first free block. An abstract Unix socket is the lock: it leaves no file, and the kernel frees it.
  init() {
    for index in (0..<100).shuffled() {
      guard let lock = Self.lock("fleet-e2e-ports-\(index)") else { continue }
      // A user of this block with a process is somebody's who did not clean up, and would be taken for ours.
      if (0..<12).allSatisfy({ Self.isFree(20000 + index * 100 + $0) })
        && Lab.processes(of: Set(Self.uids(index))).isEmpty
      {
        self.index = index
        self.lock = lock
        return
      }
      close(lock)
    }
    fatalError("no block of ports is free")
  }

  deinit { close(lock) }

  /// Takes a name for as long as the descriptor is open; `nil` when somebody else has it.
  static func lock(_ name: String) -> Int32? {
    let lock = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      for (offset, byte) in name.utf8.enumerated() { path[offset + 1] = byte }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(lock, $0, length) }
    }
    if bound == 0 { return lock }
    close(lock)
    return nil
  }

  /// The users that the lab's accounts run as, where it has accounts of its own, and one to spare.
  var uids: ClosedRange<uid_t> { Self.uids(index) }

  private static func uids(_ index: Int) -> ClosedRange<uid_t> {
    let first = uid_t(61_000 + index * 4)
    return first...(first + 3)
  }

  /// Where HostA's private sshd listens.
  var hostA: Int { 20000 + index * 100 }
  /// Where the throw-away sshd of the n-th box listens, 0 to 8.
  func box(_ n: Int) -> Int { hostA + 1 + n }
  /// What HostA leases.
  var leases: ClosedRange<Int> { (hostA + 10)...(hostA + 99) }

  static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var reuse: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    return withLoopback(port) { bind(descriptor, $0, $1) } == 0
  }

  static func isListening(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    return withLoopback(port) { connect(descriptor, $0, $1) } == 0
  }

  private static func withLoopback(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// More ports to lease than a block has, between the blocks and the ephemeral range.
final class WidePortBlock: Sendable {
  let ports: ClosedRange<Int>
  private let lock: Int32

  init() {
    for index in (0..<20).shuffled() {
      let first = 30_000 + index * 130
      guard let lock = PortBlock.lock("fleet-e2e-wide-ports-\(index)") else { continue }
      if (first..<(first + 130)).allSatisfy({ PortBlock.isFree($0) }) {
        ports = first...(first + 129)
        self.lock = lock
        return
      }
      close(lock)
    }
    fatalError("no wide block of ports is free")
  }

  deinit { close(lock) }
}
