import FleetSSH
import Foundation
import Synchronization
import Testing
import ThrowawaySSHD

@Suite struct BusyChannelsTests {
  /// One channel whose other end is an echo.
  private final class Echo {
    let channel: SSHChannel
    var pending: [UInt8] = []
    var inputEnded = false
    var endIsSent = false

    init(_ channel: SSHChannel) { self.channel = channel }

    /// Returns whether the channel is done and freed.
    func turn() throws(SSHError) -> Bool {
      for _ in 0..<8 {
        if pending.isEmpty, !inputEnded {
          guard case .ready(let bytes) = try channel.read(limit: 32_000) else { return false }
          pending = bytes
          inputEnded = bytes.isEmpty
        }
        while !pending.isEmpty {
          guard case .ready(let count) = try channel.write(bytes: pending) else { return false }
          pending.removeFirst(count)
        }
        if inputEnded {
          if !endIsSent {
            guard case .ready = try channel.sendEnd() else { return false }
            endIsSent = true
          }
          guard case .ready = try channel.close() else { return false }
          return true
        }
      }
      return false
    }
  }

  /// libssh2 in plain non-blocking use loses the connection here: its partial sends meet the key exchanges.
  @Test(.timeLimit(.minutes(2)))
  func fiftyChannelsKeepTheirContentWhileKeysAreExchanged() throws {
    let size = 400_000
    let count = 50
    let port = try ThrowawaySSHD.freePort()
    let server = try TestServer(options: ["RekeyLimit 1M"])
    defer { server.sshd.stop() }
    let connection = try TestConnection.authenticated(server)
    let session = connection.session
    let listener = try connection.wait { () throws(SSHError) in try session.listen(address: "127.0.0.1", port: port) }

    let right = Atomic(0)
    let ended = Atomic(0)
    for number in 0..<count {
      Thread.detachNewThread {
        defer { ended.add(1, ordering: .relaxed) }
        let sent = pseudorandomBytes(size, seed: UInt64(number + 1))
        guard let socket = try? LoopbackSocket(connectingTo: port) else { return }
        Thread.detachNewThread {
          try? socket.write(sent)
          socket.endWriting()
        }
        if let came = try? socket.read(exactly: size + 1), came == sent { right.add(1, ordering: .relaxed) }
      }
    }

    var echoes: [Echo] = []
    var freed = 0
    let deadline = ContinuousClock.now + .seconds(100)
    while freed < count || ended.load(ordering: .relaxed) < count, ContinuousClock.now < deadline {
      while case .ready(let channel) = try listener.accept() { echoes.append(Echo(channel)) }
      var left: [Echo] = []
      for echo in echoes {
        if try echo.turn() { freed += 1 } else { left.append(echo) }
      }
      echoes = left
      try session.flush()
      connection.pollOnce()
    }
    #expect(right.load(ordering: .relaxed) == count)
    #expect(freed == count)
    #expect(session.bytesReceived > count * size)
  }
}
