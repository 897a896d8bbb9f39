import FleetProtocol
import FleetSSH
import Foundation
import Glibc
import Synchronization
import ThrowawaySSHD

@testable import FleetAgent

/// A HostA of a stock sshd with the device's key line, and one link to it, driven by a small loop.
final class LinkHarness {
  struct TimedOut: Error {}

  let sshd: ThrowawaySSHD
  let port: UInt16
  let identity: DeviceIdentity
  private(set) var link: Link
  private(set) var events: [TunnelEvent] = []
  private(set) var mostChannels = 0

  /// `reply` is what HostA answers to every request; `PORT` in it stands for the leased port. With `offersNextKey` the
  /// device shows another key before its own; HostA knows that one unless `knowsKey`.
  init(
    sshdPort: UInt16, reply: String = #"{"v":1,"ok":true,"port":PORT,"reconnect_window_s":5,"took_over":false}"#,
    knowsKey: Bool = true, pinsHostKey: Bool = true, endpointAddress: String = "127.0.0.1", endpointPort: UInt16? = nil,
    lastGood: (UInt16) -> SocketAddress? = { _ in nil }, offersNextKey: Bool = false,
    options: [String] = []
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-link-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let publicKey = try ThrowawaySSHD.makeKey(at: folder.appending(path: "key"))
    let otherKey = try ThrowawaySSHD.makeKey(at: folder.appending(path: "other"))
    port = try ThrowawaySSHD.freePort()
    let answer = reply.replacingOccurrences(of: "PORT", with: String(port))
      .replacingOccurrences(of: "\"", with: "\\\"")
    sshd = try ThrowawaySSHD(
      authorizedKeys: "restrict,port-forwarding,permitlisten=\"127.0.0.1:\(port)\",permitopen=\"127.0.0.1:\(port)\","
        + "command=\"read line; echo '\(answer)'\" \(knowsKey ? publicKey : otherKey)\n", options: options)
    let configuration = AgentConfiguration(
      device: DeviceID(random: 1), name: try DeviceName(validating: "kitchen-pi"), port: TCPPort(port)!,
      host: HostAddress(
        account: try LoginName(validating: ThrowawaySSHD.account), endpoints: [],
        hostKeys: [try PublicKey(parsing: pinsHostKey ? sshd.hostKeys[0] : otherKey)]),
      keyFile: "key", sshdPort: TCPPort(sshdPort)!, reportHostKeys: false)
    var keys = [DeviceKey(role: .current, text: Array(try Data(contentsOf: folder.appending(path: "key"))))]
    if offersNextKey {
      let text = Array(try Data(contentsOf: folder.appending(path: "other")))
      keys.insert(DeviceKey(role: .next, text: text), at: 0)
    }
    identity = DeviceIdentity(
      configuration, keys: keys,
      claim: ClaimBody(agentVersion: "0.1.0", bootID: "b", keepalive_s: 1, facts: [:], hostKeys: []))
    link = Link(
      id: LinkID(number: 1),
      endpoint: HostAddress.Endpoint(address: endpointAddress, port: TCPPort(endpointPort ?? sshd.port)!),
      identity: identity, connectLimit: .seconds(10), lastGood: lastGood(sshd.port), now: .now)
  }

  /// Closes the connection and dials anew.
  func dialAgain() {
    link.close()
    events = []
    let endpoint = HostAddress.Endpoint(address: "127.0.0.1", port: TCPPort(sshd.port)!)
    link = Link(
      id: LinkID(number: 1), endpoint: endpoint, identity: identity, connectLimit: .seconds(10), lastGood: nil,
      now: .now)
  }

  func stop() {
    link.close()
    sshd.stop()
  }

  /// Turns the loop until the condition holds.
  func run(for_s limit: Int = 30, until condition: () -> Bool) throws {
    let deadline = Monotonic.now + .seconds(limit)
    var set = PollSet()
    while !condition() {
      guard Monotonic.now < deadline else { throw TimedOut() }
      set.removeAll()
      link.register(in: &set)
      let next = link.deadline(now: .now) ?? deadline
      set.wait(limit: min(.milliseconds(50), Monotonic.now.duration(to: next)))
      events += link.turn(set, now: .now)
      mostChannels = max(mostChannels, link.channelCount)
    }
  }

  /// Runs until the first canary is back, or the link has ended.
  func runToTheEndOfTheDial() throws { try run { canary != nil || failure != nil } }

  var canary: CanaryOutcome? {
    events.lazy.compactMap { if case .canary(_, let outcome) = $0 { outcome } else { nil } }.first
  }

  var failure: LinkFailure? {
    events.lazy.compactMap { if case .ended(_, let failure) = $0 { failure } else { nil } }.first
  }
}

/// Stands for the device's own sshd: says a banner, then does what the first byte asks for.
final class LocalServer: Sendable {
  static let banner = "SSH-2.0-test\r\n"
  private let listener: LoopbackSocket
  /// Bytes that came on connections which asked for `count`.
  let counted = Atomic(0)
  private let isStopped = Atomic(false)

  var port: UInt16 { listener.port }

  init() throws {
    listener = try LoopbackSocket()
    Thread.detachNewThread { self.acceptAll() }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    listener.shutDown()
  }

  private func acceptAll() {
    while let socket = try? listener.accept() { Thread.detachNewThread { try? self.serve(socket) } }
  }

  private func serve(_ socket: LoopbackSocket) throws {
    try socket.write(Array(Self.banner.utf8))
    switch try socket.read(limit: 1).first {
    case UInt8(ascii: "e"):
      while case let bytes = try socket.read(), !bytes.isEmpty { try socket.write(bytes) }
    case UInt8(ascii: "f"):
      // Floods until nobody takes it any more.
      let chunk = [UInt8](repeating: 7, count: 65536)
      while true { try socket.write(chunk) }
    case UInt8(ascii: "s"):
      // Reads nothing.
      while !isStopped.load(ordering: .relaxed) { usleep(20_000) }
    case UInt8(ascii: "c"):
      // Ends its own direction first and goes on reading.
      try socket.write(Array("bye".utf8))
      socket.endWriting()
      while case let bytes = try socket.read(), !bytes.isEmpty { counted.add(bytes.count, ordering: .relaxed) }
    default: break
    }
  }
}
