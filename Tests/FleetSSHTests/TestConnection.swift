import FleetSSH
import Foundation
import Glibc
import ThrowawaySSHD

/// A session of the library with a real sshd, driven by a small poll loop.
final class TestConnection {
  struct TimedOut: Error {}

  let socket: TCPSocket
  let session: SSHSession

  init(port: UInt16, hostKeys: SSHSession.HostKeys) throws {
    socket = TCPSocket(connectingTo: .loopback(port: port))
    session = try SSHSession(descriptor: socket.descriptor, hostKeys: hostKeys)
  }

  /// A connection that is authenticated with a new key, for which the server's key file has these options.
  static func authenticated(_ server: TestServer) throws -> TestConnection {
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .pinned(server.pins))
    _ = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    try connection.wait { () throws(SSHError) in
      try connection.session.authenticate(account: ThrowawaySSHD.account, privateKey: server.privateKey)
    }
    return connection
  }

  /// Repeats a step until it is ready, polling the socket between.
  func wait<Value>(for_s limit: Int = 30, _ step: () throws(SSHError) -> SSHProgress<Value>) throws -> Value {
    let deadline = ContinuousClock.now + .seconds(limit)
    while ContinuousClock.now < deadline {
      if case .ready(let value) = try step() {
        try session.flush()
        return value
      }
      try session.flush()
      pollOnce()
    }
    throw TimedOut()
  }

  func pollOnce() {
    let events = session.pendingOutput > 0 ? POLLIN | POLLOUT : POLLIN
    var entry = pollfd(fd: socket.descriptor, events: Int16(events), revents: 0)
    poll(&entry, 1, 100)
  }

  /// Everything that comes until the channel's end.
  func readAll(_ channel: SSHChannel, from stream: SSHChannel.Stream = .output) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = try wait { () throws(SSHError) in try channel.read(limit: 4096, from: stream) }
      if more.isEmpty { return bytes }
      bytes += more
    }
  }
}

/// A throw-away sshd that lets one new key in.
struct TestServer {
  let sshd: ThrowawaySSHD
  let privateKey: [UInt8]
  let pins: [[UInt8]]

  /// `keyOptions` stand in front of the key in the key file, with a comma or space at their end.
  init(keyOptions: String = "", hostKeyTypes: [String] = ["ed25519"], options: [String] = []) throws {
    let folder = URL(fileURLWithPath: NSTemporaryDirectory()).appending(path: "fleet-ssh-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let publicKey = try ThrowawaySSHD.makeKey(at: folder.appending(path: "key"))
    privateKey = Array(try Data(contentsOf: folder.appending(path: "key")))
    sshd = try ThrowawaySSHD(
      authorizedKeys: "\(keyOptions)\(publicKey)\n", hostKeyTypes: hostKeyTypes, options: options)
    pins = sshd.hostKeys.map { Self.blob($0) }
  }

  static func blob(_ publicLine: String) -> [UInt8] {
    Array(Data(base64Encoded: String(publicLine.split(separator: " ")[1])) ?? Data())
  }
}
