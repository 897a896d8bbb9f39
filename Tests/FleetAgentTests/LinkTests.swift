import FleetProtocol
import FleetSSH
import Foundation
import Synchronization
import Testing
import ThrowawaySSHD

@testable import FleetAgent

/// One link against a stock sshd, with the key line that HostA writes.
@Suite(.timeLimit(.minutes(2))) struct LinkTests {
  /// A client on HostA that has read the banner through the tunnel.
  private static func client(_ port: UInt16, asking mode: String) throws -> LoopbackSocket {
    let socket = try LoopbackSocket(connectingTo: port)
    let banner = try socket.read(exactly: LocalServer.banner.utf8.count)
    guard banner == Array(LocalServer.banner.utf8) else { throw LinkHarness.TimedOut() }
    try socket.write(Array(mode.utf8))
    return socket
  }

  @Test func comesUpAndTheCanaryComesBack() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port)
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    #expect(harness.canary == .proved(.up))
    let phases = harness.events.compactMap { if case .reached(_, let phase) = $0 { phase } else { nil } }
    #expect(phases == [.connecting, .handshaking, .authenticating, .claiming, .probing])
    #expect(harness.link.claim?.port.rawValue == harness.port)
    // The canary leaves nothing behind, and keepalives go out.
    try harness.run { harness.link.channelCount == 0 }
    let sent = harness.link.traffic.sent
    try harness.run { harness.link.traffic.sent > sent }
  }

  @Test func isUpWithoutTheDevicesSSHD() throws {
    let harness = try LinkHarness(sshdPort: try ThrowawaySSHD.freePort())
    defer { harness.stop() }
    try harness.runToTheEndOfTheDial()
    #expect(harness.canary == .proved(.down))
    try harness.run { harness.events.contains(.suspicion(LinkID(number: 1))) }
    // A report goes out and its answer is taken in.
    harness.link.report(ReportBody(sshd: .down), now: .now)
    harness.link.probe(now: .now)
    let before = harness.events.count
    try harness.run { harness.events.count > before }
    #expect(harness.failure == nil)
  }

  @Test(arguments: [DeviceKey.Role.current, .next])
  func showsTheNextKeyFirstAndTellsWhichOneOpenedHostA(role: DeviceKey.Role) throws {
    let server = try LocalServer()
    let harness = try LinkHarness(
      sshdPort: server.port,
      reply: #"{"v":1,"ok":true,"port":PORT,"reconnect_window_s":5,"took_over":false,"state":"pending"}"#,
      knowsKey: role == .current, offersNextKey: true)
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    #expect(harness.canary == .proved(.up) && harness.link.acceptedKey == role)
    let key = try PublicKey(parsing: harness.sshd.hostKeys[0])
    harness.link.ask(.rotateKey, RotateKeyBody(key: key).line, now: .now)
    var state: RotateKeyReply.State?
    try harness.run {
      for case .answered(_, .success(.ok(let fields))) in harness.events { state = try? RotateKeyReply(fields).state }
      return state != nil
    }
    #expect(state == .pending && harness.failure == nil)
  }

  @Test func tellsWhyItCouldNotConnect() throws {
    let free = try ThrowawaySSHD.freePort()
    let unreachable = try LinkHarness(sshdPort: 22, endpointPort: free)
    let refusedKey = try LinkHarness(sshdPort: 22, knowsKey: false)
    let changedKey = try LinkHarness(sshdPort: 22, pinsHostKey: false)
    let refusedClaim = try LinkHarness(
      sshdPort: 22, reply: #"{"v":1,"ok":false,"code":"port-in-use","message":"the port is in use"}"#)
    let nonsense = try LinkHarness(sshdPort: 22, reply: "hello")
    let restricted = try LinkHarness(sshdPort: 22, options: ["Ciphers chacha20-poly1305@openssh.com"])
    let all = [unreachable, refusedKey, changedKey, refusedClaim, nonsense, restricted]
    defer { for harness in all { harness.stop() } }
    for harness in all { try harness.runToTheEndOfTheDial() }
    #expect(unreachable.failure == .unreachable("connection refused"))
    #expect(refusedKey.failure == .keyRefused)
    #expect(changedKey.failure == .hostKeyChanged)
    #expect(refusedClaim.failure == .claimRefused(Refusal(.portInUse, "the port is in use")))
    if case .claimFailed? = nonsense.failure {
    } else {
      Issue.record("unexpected: \(String(describing: nonsense.failure))")
    }
    if case .algorithms(let text)? = restricted.failure {
      #expect(text.contains("chacha20"))
    } else {
      Issue.record("unexpected: \(String(describing: restricted.failure))")
    }
  }

  @Test func usesTheLastGoodAddressWhenTheNameCannotBeResolved() throws {
    let server = try LocalServer()
    let known = try LinkHarness(
      sshdPort: server.port, endpointAddress: "hosta.invalid", lastGood: { SocketAddress.loopback(port: $0) })
    defer {
      known.stop()
      server.stop()
    }
    try known.runToTheEndOfTheDial()
    #expect(known.canary == .proved(.up))
    #expect(known.link.remoteAddress == .loopback(port: known.sshd.port))
  }

  @Test func tellsThatAnotherProgramHoldsThePort() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port)
    let squatter = try LoopbackSocket(listeningOn: harness.port)
    defer {
      harness.stop()
      server.stop()
      squatter.shutDown()
    }
    try harness.runToTheEndOfTheDial()
    if case .forwardRefused? = harness.failure {
    } else {
      Issue.record("unexpected: \(String(describing: harness.failure))")
    }
  }

  @Test func stalledChannelsDoNotStallOthers() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port, options: ["RekeyLimit 4M"])
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    let port = harness.port
    let done = Atomic(false)
    let right = Atomic(0)
    let finished = Atomic(0)
    let clients = 6
    Thread.detachNewThread {
      // One whose client on HostA reads nothing, one whose server on the device reads nothing.
      let flooded = try? Self.client(port, asking: "f")
      let sink = try? Self.client(port, asking: "s")
      Thread.detachNewThread { try? sink?.write([UInt8](repeating: 1, count: 16_000_000)) }
      for number in 0..<clients {
        Thread.detachNewThread {
          defer { finished.add(1, ordering: .relaxed) }
          let sent = pseudorandomBytes(1_500_000, seed: UInt64(number + 1))
          guard let socket = try? Self.client(port, asking: "e") else { return }
          Thread.detachNewThread {
            try? socket.write(sent)
            socket.endWriting()
          }
          if let came = try? socket.read(exactly: sent.count + 1), came == sent { right.add(1, ordering: .relaxed) }
        }
      }
      while !done.load(ordering: .relaxed) { usleep(10_000) }
      flooded?.shutDown()
      sink?.shutDown()
    }
    defer { done.store(true, ordering: .relaxed) }
    try harness.run(for_s: 60) { finished.load(ordering: .relaxed) == clients }
    #expect(right.load(ordering: .relaxed) == clients)
    #expect(harness.failure == nil)
    // When the client of the one and the server of the other go away, nothing of them stays.
    done.store(true, ordering: .relaxed)
    server.stop()
    try harness.run { harness.link.channelCount == 0 }
  }

  /// An idle agent kept what its last bulk transfer had filled, 300 KiB for as long as the connection lived.
  @Test func whatABulkTransferFilledIsGivenBack() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port)
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    let port = harness.port
    let isOver = Atomic(false)
    Thread.detachNewThread {
      let flooded = try? Self.client(port, asking: "f")
      _ = try? flooded?.read(exactly: 3_000_000)
      flooded?.shutDown()
      isOver.store(true, ordering: .relaxed)
    }
    var most = 0
    try harness.run {
      most = max(most, harness.link.heldOutput)
      return isOver.load(ordering: .relaxed) && harness.link.channelCount == 0
    }
    #expect(most > Link.idleOutput)
    try harness.run { harness.link.heldOutput <= Link.idleOutput }
    #expect(harness.failure == nil)
  }

  @Test func eachDirectionEndsOnItsOwn() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port)
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    let port = harness.port
    let goodbye = Mutex<[UInt8]?>(nil)
    let finished = Atomic(false)
    Thread.detachNewThread {
      defer { finished.store(true, ordering: .relaxed) }
      guard let socket = try? Self.client(port, asking: "c") else { return }
      let came = try? socket.read(exactly: 10)
      goodbye.withLock { $0 = came }
      try? socket.write([UInt8](repeating: 5, count: 500_000))
      socket.endWriting()
    }
    try harness.run { finished.load(ordering: .relaxed) && server.counted.load(ordering: .relaxed) == 500_000 }
    #expect(goodbye.withLock { $0 } == Array("bye".utf8))
    try harness.run { harness.link.channelCount == 0 }
  }

  @Test func refusesMoreChannelsThanItCanServe() throws {
    let server = try LocalServer()
    let harness = try LinkHarness(sshdPort: server.port)
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    try harness.run { harness.link.channelCount == 0 }
    let port = harness.port
    let served = Atomic(0)
    let refused = Atomic(0)
    let done = Atomic(false)
    let clients = Link.channelLimit + 12
    for _ in 0..<clients {
      Thread.detachNewThread {
        let socket = try? Self.client(port, asking: "e")
        if socket == nil { refused.add(1, ordering: .relaxed) } else { served.add(1, ordering: .relaxed) }
        while !done.load(ordering: .relaxed) { usleep(10_000) }
        socket?.shutDown()
      }
    }
    defer { done.store(true, ordering: .relaxed) }
    try harness.run { served.load(ordering: .relaxed) + refused.load(ordering: .relaxed) == clients }
    #expect(served.load(ordering: .relaxed) == Link.channelLimit)
    #expect(refused.load(ordering: .relaxed) == 12)
    done.store(true, ordering: .relaxed)
    try harness.run { harness.link.channelCount == 0 }
    #expect(harness.failure == nil)
  }

  @Test func tellsThatTheConnectionBroke() throws {
    let server = try LocalServer()
    // HostA ends the connection of its own accord.
    let harness = try LinkHarness(
      sshdPort: server.port,
      reply: #"{"v":1,"ok":true,"port":PORT,"reconnect_window_s":5,"took_over":false}'; (sleep 1; kill $PPID) & echo '"#
    )
    defer {
      harness.stop()
      server.stop()
    }
    try harness.runToTheEndOfTheDial()
    try harness.run { harness.failure != nil }
    if case .lost? = harness.failure {} else { Issue.record("unexpected: \(String(describing: harness.failure))") }
    #expect(harness.link.channelCount == 0)
  }
}
