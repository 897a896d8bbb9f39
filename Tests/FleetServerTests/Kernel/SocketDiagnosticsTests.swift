import FleetProtocol
import Glibc
import Testing

@testable import FleetServer

@Suite struct SocketDiagnosticsTests {
  @Test func whatIsNoMessageIsLeftOut() {
    #expect(SocketDiagnosticsMessage.parts(of: []).isEmpty)
    #expect(SocketDiagnosticsMessage.parts(of: [UInt8](repeating: 0, count: 100)).isEmpty)
    #expect(SocketDiagnosticsMessage.parts(of: [UInt8](repeating: 0xFF, count: 100)).isEmpty)
    // A header that promises more than is there.
    #expect(SocketDiagnosticsMessage.parts(of: [200, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).isEmpty)
  }

  @Test func theEndAndAnError() {
    let done: [UInt8] = [16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let failed: [UInt8] = [20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]
    #expect(SocketDiagnosticsMessage.parts(of: failed + done) == [.failed(2), .done])
    // The smallest number has no opposite.
    #expect(SocketDiagnosticsMessage.parts(of: failed.dropLast(4) + [0, 0, 0, 0x80]) == [.failed(.min)])
  }

  /// The kernel itself: a connection of this process, by both its ends.
  @Test func aConnectionOnTheLoopback() throws {
    let pair = try LoopbackPair()
    guard let known = SocketDiagnostics.sockets() else { return }
    let health = try #require(known.connections[pair.connection])
    #expect(health.silence_ms < 10_000 && health.bytesReceived == 5)
    guard case .established(let same) = SocketDiagnostics.lookUp(pair.connection) else {
      Issue.record("one connection is not found by its ends")
      return
    }
    #expect(same.bytesReceived == 5)
  }

  /// The kernel answers with a listener where it knows no such connection, and that is no connection.
  @Test func aConnectionThatIsNotThere() throws {
    let pair = try LoopbackPair()
    guard SocketDiagnostics.sockets() != nil else { return }
    var other = pair.connection
    other.remotePort = try #require(TCPPort(1))
    #expect(SocketDiagnostics.lookUp(other) == .none)
    let port = try LoopbackPair().connection.localPort
    let listener = try LoopbackListener(port: port)
    defer { listener.end() }
    other.localPort = port
    #expect(SocketDiagnostics.lookUp(other) == .none)
  }

  @Test func listenersAreFoundWithTheirOwner() throws {
    let port = try LoopbackPair().connection.localPort
    let listener = try LoopbackListener(port: port)
    defer { listener.end() }
    guard let known = SocketDiagnostics.sockets() else { return }
    #expect(known.listeners.holders[port] == geteuid())
    #expect(SocketTable.current().holders[port] == geteuid())
  }
}

/// Two connected TCP sockets.
final class LoopbackPair {
  let near: Int32
  let far: Int32
  /// As the far end sees it.
  let connection: SSHConnection

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    func name(_ call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32) throws -> TCPPort {
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
      }
      try #require(result == 0)
      return try #require(TCPPort(UInt16(bigEndian: address.sin_port)) ?? TCPPort(1))
    }
    _ = try name { bind(listener, $0, $1) }
    listen(listener, 1)
    let localPort = try name { getsockname(listener, $0, &$1) }
    near = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let near = near
    _ = try name { connect(near, $0, $1) }
    far = accept(listener, nil, nil)
    let remotePort = try name { getsockname(near, $0, &$1) }
    let loopback = IPAddress.loopback
    connection = SSHConnection(remote: loopback, remotePort: remotePort, local: loopback, localPort: localPort)
    write(near, "hello", 5)
  }

  deinit {
    close(near)
    close(far)
  }
}

/// Something of this account that listens on 127.0.0.1.
struct LoopbackListener {
  private let descriptor: Int32

  init(port: TCPPort) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.rawValue.bigEndian
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let descriptor = descriptor
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(bound == 0 && listen(descriptor, 1) == 0)
  }

  func end() { close(descriptor) }
}
