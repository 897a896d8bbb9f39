import FleetProtocol

@testable import FleetAgent

/// A device, its way to HostA and HostA itself in virtual time, small enough for years of it: the machine's actions in,
/// the events that a real link would tell out.
///
/// All times are milliseconds since the beginning.
struct TunnelSimulation {
  /// What goes wrong, for a while or, without a length, once.
  enum Fault: CaseIterable {
    case hostARestarts, routerForgets, blackHole, routerOff, nameServerDown, otherHostKey, claimsRefused, canaryLost
    case localSSHDDown, hostAHangs

    /// Faults after which HostA has not been asked in vain, so that the next wait is short.
    static let ofNetwork: [Fault] = [.hostARestarts, .routerForgets, .blackHole, .routerOff, .nameServerDown]
  }

  /// What is wrong with what the machine did.
  struct Wrong: Error, CustomStringConvertible { let description: String }

  enum Happening {
    case begin(Fault, length: Int)
    case end(Fault)
    /// The next step of a dial.
    case step(LinkID)
    /// The user timeout of a connection that is stuck.
    case brokenByKernel(LinkID, since: Int)
    case noticed(LinkID, since: Int)
    case heardAgain(LinkID)
    case evicted(LinkID)
    case probed(LinkID)
    case probeLate(LinkID)
    case announced
    /// Another connection is wanted beside the tunnel, as when the device's key is replaced.
    case renewal
    case due
  }

  struct SimulatedLink {
    let id: LinkID
    let connectLimit: Int
    let dialled: Int
    /// What its flow belongs to: an entry in the router's table and one life of HostA's sshd.
    var routerLife = 0
    var hostALife = 0
    var phase = LinkPhase.resolving
    /// Since when nothing comes through.
    var deadSince: Int?
    var isSilent = false
    var isEvicted = false
  }

  private(set) var machine: TunnelMachine
  private(set) var now = 0
  private(set) var eventCount = 0
  private(set) var dialCount = 0
  var random: SeededGenerator
  let begin: Monotonic
  var links: [SimulatedLink] = []
  var queue = TimeQueue<Happening>()
  var active: [Fault: Int] = [:]
  var routerLife = 0
  var hostALife = 0
  /// The link that HostA takes for the device's tunnel.
  var holder: LinkID?
  var plannedDue: Int?
  let window_s: Int
  private let lastFaultEnd: Int
  private let lastFault: Fault
  /// When the tunnel was last seen to work again after the last fault.
  private(set) var recovered: Int?

  static let day = 24 * 3600 * 1000

  init(seed: UInt64) {
    begin = .now
    random = SeededGenerator(seed: seed)
    window_s = Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 5...900, using: &random) : 5
    machine = TunnelMachine(endpoints: ["a port 22", "b port 443"], now: begin)
    var end = 0
    for _ in 0..<Int.random(in: 4...16, using: &random) {
      let fault = Fault.allCases.randomElement(using: &random)!
      let start = Int.random(in: 0..<(20 * 3_600_000), using: &random)
      let length = Self.length(using: &random)
      queue.add(.begin(fault, length: length), at: start)
      end = max(end, start + length)
    }
    // The last one comes when all has been well for an hour.
    lastFault = Fault.allCases.randomElement(using: &random)!
    let length = Self.length(using: &random)
    let start = end + 3_600_000
    queue.add(.begin(lastFault, length: length), at: start)
    lastFaultEnd = start + length
    // The replacement of a key may fall on any of them; the last one is over when the day is.
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      queue.add(.renewal, at: Int.random(in: 0..<lastFaultEnd + 1_800_000, using: &random))
    }
  }

  /// From 200 ms to 10 minutes, the short ones more often.
  private static func length(using random: inout SeededGenerator) -> Int {
    var length = 200 << Int.random(in: 0...11, using: &random)
    length += Int.random(in: 0..<length, using: &random)
    return min(length, 600_000)
  }

  /// Lives through the day. Throws what the machine did wrong.
  mutating func run() throws {
    try tell(.start)
    while let (time, happening) = queue.next(), time < Self.day {
      now = max(now, time)
      try happen(happening)
      try planDue()
      if isWell { noteRecovery() }
      if let recovered, now > recovered + 3_600_000 { break }
    }
    try checkRecovery()
  }

  private func checkRecovery() throws {
    // Two windows and one dial; a HostA that was asked in vain for a while may be waited for as long as that comes to.
    let isOfNetwork = Fault.ofNetwork.contains(lastFault)
    let wait_ms = isOfNetwork ? 2 * window_s * 1000 : Int(max(.seconds(window_s), Backoff.cap).milliseconds)
    let limit = lastFaultEnd + wait_ms + Int(TunnelMachine.dialLimit.milliseconds) + 15_000
    guard let recovered else { throw Wrong(description: "never up again after \(lastFault) at \(lastFaultEnd)") }
    guard recovered <= limit else {
      throw Wrong(description: "up \(recovered - lastFaultEnd) ms after \(lastFault), window \(window_s) s")
    }
  }

  // MARK: The machine

  mutating func tell(_ event: TunnelEvent) throws {
    eventCount += 1
    let actions = machine.handle(event, at: begin + .milliseconds(now), using: &random)
    for action in actions {
      switch action {
      case .dial(let id, _, let connectLimit):
        dialCount += 1
        links.append(SimulatedLink(id: id, connectLimit: Int(connectLimit.milliseconds), dialled: now))
        queue.add(.step(id), at: now + 5)
      case .close(let id): close(id)
      case .probe(let id): queue.add(.probed(id), at: now + 80)
      case .check(let id):
        if let link = links.first(where: { $0.id == id }), let since = link.deadSince {
          queue.add(.noticed(id, since: since), at: now + 1500)
        }
      case .report: break
      case .finish: throw Wrong(description: "finished unasked")
      }
    }
    try checkInvariants(after: event)
  }

  private func checkInvariants(after event: TunnelEvent) throws {
    guard eventCount < 100_000 else { throw Wrong(description: "goes round in circles after \(event)") }
    let up = machine.links.filter { $0.phase == .up }
    guard up.count <= 1 else { throw Wrong(description: "two tunnels after \(event)") }
    guard machine.links.count <= 2 else { throw Wrong(description: "three connections after \(event)") }
    guard machine.links.map(\.id) == links.map(\.id) else { throw Wrong(description: "a link is lost after \(event)") }
    let isProbing = up.contains { $0.nextCanary == nil }
    guard machine.deadline != nil || isProbing else { throw Wrong(description: "nothing is under way after \(event)") }
    if links.isEmpty, let deadline = machine.deadline {
      let longest = max(Duration.seconds(window_s), Backoff.cap)
      guard deadline <= begin + .milliseconds(now) + longest else { throw Wrong(description: "waits too long") }
    }
  }

  private mutating func planDue() throws {
    guard let deadline = machine.deadline else { return }
    let due = Int(begin.duration(to: deadline).milliseconds) + 1
    guard plannedDue.map({ due < $0 || $0 < now }) ?? true else { return }
    plannedDue = due
    queue.add(.due, at: max(due, now))
  }

  mutating func close(_ id: LinkID) {
    if let link = links.first(where: { $0.id == id }), holder == id, link.deadSince == nil { holder = nil }
    links.removeAll { $0.id == id }
  }

  mutating func end(_ id: LinkID, _ failure: LinkFailure) throws {
    close(id)
    try tell(.ended(id, failure))
  }

  /// The tunnel works; counted once all faults are over.
  private mutating func noteRecovery() {
    guard recovered == nil, now >= lastFaultEnd, active.isEmpty else { return }
    recovered = now
  }

  /// Whether the device has one tunnel, and it is the one that HostA takes for it.
  var isWell: Bool {
    guard let up = machine.links.first(where: { $0.phase == .up }), machine.links.count == 1 else { return false }
    return holder == up.id && links.first?.deadSince == nil
  }
}
