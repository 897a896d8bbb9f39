import FleetProtocol
import Testing

@testable import FleetAgent

/// A device's disk, its agent and HostA, for one replacement of the key that is cut off after a number of steps.
private struct RotationWorld {
  struct Cut: Error {}

  // HostA
  var accepted = 1
  var pending: Int?
  var wantsRotation = true
  // The disk
  var key = 1
  var next: Int?
  // The agent
  var rotation = KeyRotation(hasNext: false)
  var now: Monotonic = .now
  var random = SeededGenerator(seed: 1)
  var links = 0
  var made = 1
  /// Steps until the cut; `nil` when there is none to come.
  var stepsLeft: Int?
  var told: [String] = []
  var canWrite = true

  /// Between any two steps the power may go.
  mutating func step() throws(Cut) {
    guard let left = stepsLeft else { return }
    guard left > 0 else {
      stepsLeft = nil
      throw Cut()
    }
    stepsLeft = left - 1
  }

  /// Whether one of the keys on disk does.
  var opensHostA: Bool { opens(key) || next.map(opens) ?? false }

  private func opens(_ key: Int) -> Bool { [accepted, pending].contains(key) }

  mutating func start() throws(Cut) {
    rotation = KeyRotation(hasNext: next != nil)
    try connect()
    try passTime()
  }

  mutating func connect() throws(Cut) {
    try step()
    links += 1
    let opensByNext = next.map(opens) ?? false
    guard opensByNext || opens(key) else { return }
    let role: DeviceKey.Role = opensByNext ? .next : .current
    try handle(.tunnel(KeyRotation.Tunnel(id: LinkID(number: links), key: role, isWanted: wantsRotation)))
  }

  mutating func loseTunnel() throws(Cut) {
    try handle(.tunnel(nil))
    try connect()
    try passTime()
  }

  mutating func passTime() throws(Cut) {
    for _ in 0..<20 {
      guard let deadline = rotation.deadline else { return }
      now = deadline
      try handle(.timePassed)
    }
  }

  mutating func handle(_ event: KeyRotation.Event) throws(Cut) {
    for action in rotation.handle(event, at: now, using: &random) {
      try step()
      switch action {
      case .make:
        guard canWrite else {
          try handle(.notMade("read-only"))
          continue
        }
        made += 1
        next = made
        try step()
        try handle(.made)
      case .ask(let id):
        guard id.number == links, let next else { continue }
        let reply = hostA(next)
        try step()
        try handle(.answered(id, .success(reply)))
      case .renew:
        try handle(.tunnel(nil))
        try connect()
      case .install:
        guard canWrite else {
          try handle(.notInstalled("read-only"))
          continue
        }
        if let next { key = next }
        next = nil
        try step()
        try handle(.installed)
      case .discard: next = nil
      case .tell(let text), .warn(let text): told.append(text)
      }
    }
  }

  /// HostA's side of `rotate-key`, asked on the connection that is open.
  private mutating func hostA(_ asked: Int) -> Reply {
    if rotation.tunnel?.key == .next {
      accepted = asked
      pending = nil
      wantsRotation = false
      return .ok(RotateKeyReply(state: .current).fields)
    }
    pending = asked
    return .ok(RotateKeyReply(state: .pending).fields)
  }
}

@Suite struct KeyRotationTests {
  private static let steps = 30

  @Test func replacesTheKeyOnce() throws {
    var world = RotationWorld()
    try world.start()
    #expect(world.key == 2 && world.next == nil && world.accepted == 2 && world.pending == nil)
    #expect(world.links == 2 && world.rotation.sentence == nil && world.rotation.deadline == nil)
    try world.loseTunnel()
    #expect(world.key == 2 && world.made == 2)
  }

  /// The power goes after every step, and in the second life after every step again.
  @Test func aPowerCutAtAnyPointLocksNobodyOut() throws {
    var cuts = 0
    for first in 0..<Self.steps {
      for second in 0..<Self.steps {
        var world = RotationWorld()
        for cut in [first, second] {
          world.stepsLeft = cut
          do { try world.start() } catch { cuts += 1 }
          #expect(world.opensHostA, "locked out, cut at \(first) and \(second)")
        }
        world.stepsLeft = nil
        try world.start()
        #expect(world.key == world.accepted && world.next == nil && world.pending == nil, "cut at \(first), \(second)")
        #expect(world.key > 1 && !world.wantsRotation)
      }
    }
    #expect(cuts > 100)
  }

  /// The tunnel breaks after every step while the agent goes on.
  @Test func aLostTunnelAtAnyPointDelaysItOnly() throws {
    for first in 0..<Self.steps {
      for second in 0..<Self.steps {
        var world = RotationWorld()
        world.stepsLeft = first
        do { try world.start() } catch {
          world.stepsLeft = second
          do { try world.loseTunnel() } catch {}
        }
        #expect(world.opensHostA)
        world.stepsLeft = nil
        try world.loseTunnel()
        // What was on disk and not told when the tunnel broke is told by the next life at the latest.
        if world.next != nil { try world.start() }
        #expect(world.key == world.accepted && world.next == nil, "cut at \(first), \(second)")
      }
    }
  }

  @Test func aFolderThatCannotBeWrittenIsWarnedOfOnce() throws {
    var world = RotationWorld()
    world.canWrite = false
    try world.start()
    try world.loseTunnel()
    try world.loseTunnel()
    #expect(world.told == ["the device's key is to be replaced, but a new one cannot be written: read-only"])
    #expect(world.rotation.sentence == world.told[0] && world.key == 1 && world.accepted == 1 && world.links == 3)
    world.canWrite = true
    try world.loseTunnel()
    #expect(world.key == 2 && world.rotation.sentence == nil)
  }

  @Test func aFolderThatCannotBeWrittenAnyMoreKeepsBothKeys() throws {
    var world = RotationWorld()
    world.next = 2
    world.pending = 2
    world.canWrite = false
    try world.start()
    #expect(world.accepted == 2 && world.next == 2 && world.opensHostA)
    #expect(world.told == ["the device's new key cannot take the old one's place: read-only"])
    world.canWrite = true
    world.now = try #require(world.rotation.deadline)
    try world.handle(.timePassed)
    #expect(world.key == 2 && world.next == nil)
  }

  @Test func refusalsAreNotAskedAgainAtOnce() throws {
    let id = LinkID(number: 1)
    var random = SeededGenerator(seed: 1)
    let now = Monotonic.now
    var rotation = KeyRotation(hasNext: true)
    let tunnel = KeyRotation.Tunnel(id: id, key: .current, isWanted: true)
    #expect(rotation.handle(.tunnel(tunnel), at: now, using: &random) == [.ask(id)])
    let busy = Result<Reply, LinkFailure>.success(.refused(Refusal(.registryBusy, "the registry is busy")))
    let said = rotation.handle(.answered(id, busy), at: now, using: &random)
    #expect(said == [.warn("HostA does not replace the device's key: the registry is busy")])
    let due = try #require(rotation.deadline)
    #expect(now + KeyRotation.firstPause <= due)
    // A new tunnel is no reason to hurry, and the second time nothing is said.
    #expect(rotation.handle(.tunnel(tunnel), at: now, using: &random) == [] && rotation.deadline == due)
    #expect(rotation.handle(.timePassed, at: due, using: &random) == [.ask(id)])
    #expect(rotation.handle(.answered(id, busy), at: due, using: &random) == [])
    // Somebody else's key is thrown away, and another one made later.
    let again = try #require(rotation.deadline)
    _ = rotation.handle(.timePassed, at: again, using: &random)
    let taken = Result<Reply, LinkFailure>.success(.refused(Refusal(.keyTaken, "the key is another device's")))
    #expect(rotation.handle(.answered(id, taken), at: again, using: &random).first == .discard)
    let last = try #require(rotation.deadline)
    #expect(rotation.handle(.timePassed, at: last, using: &random) == [.make])
  }

  /// The new key's connection takes the tunnel over and would cut off whoever is on the device, so it waits for them.
  @Test func sessionsAreNotCutOffByAKeysReplacement() throws {
    let id = LinkID(number: 1)
    var random = SeededGenerator(seed: 1)
    var now = Monotonic.now
    let begin = now
    var rotation = KeyRotation(hasNext: true)
    let pending = Result<Reply, LinkFailure>.success(.ok(RotateKeyReply(state: .pending).fields))
    let tunnel = KeyRotation.Tunnel(id: id, key: .current, isWanted: true)
    #expect(rotation.handle(.tunnel(tunnel), at: now, using: &random) == [.ask(id)])
    for _ in 0..<3 {
      #expect(rotation.handle(.answered(id, pending, channels: 1), at: now, using: &random) == [])
      let due = try #require(rotation.deadline)
      #expect(now + KeyRotation.busyPause <= due && due <= now + KeyRotation.busyPause * 3 / 2)
      now = due
      #expect(rotation.handle(.timePassed, at: now, using: &random) == [.ask(id)])
    }
    var idle = rotation
    #expect(idle.handle(.answered(id, pending, channels: 0), at: now, using: &random) == [.renew])
    // A session that never ends does not keep the old key for ever.
    now = begin + KeyRotation.patience
    #expect(rotation.handle(.answered(id, pending, channels: 1), at: now, using: &random) == [.renew])
  }

  /// HostA says `pending` and accepts the old key all the same: the tunnel is not dialled anew for ever.
  @Test func aHostAThatAcceptsOnlyTheOldKeyIsNotHammered() {
    var random = SeededGenerator(seed: 1)
    let now = Monotonic.now
    var rotation = KeyRotation(hasNext: true)
    let pending = Result<Reply, LinkFailure>.success(.ok(RotateKeyReply(state: .pending).fields))
    let first = KeyRotation.Tunnel(id: LinkID(number: 1), key: .current, isWanted: true)
    let second = KeyRotation.Tunnel(id: LinkID(number: 2), key: .current, isWanted: true)
    _ = rotation.handle(.tunnel(first), at: now, using: &random)
    #expect(rotation.handle(.answered(first.id, pending), at: now, using: &random) == [.renew])
    #expect(rotation.handle(.tunnel(second), at: now, using: &random) == [])
  }
}
