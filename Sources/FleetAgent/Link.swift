import FleetProtocol
import FleetSSH
import Glibc

/// One connection to HostA, from the look-up of its name to the last channel. It does what the machine decided and
/// tells what happened.
final class Link {
  private enum Step {
    case dialling(HostDial)
    case handshaking(SSHSession)
    case authenticating(SSHSession)
    case claiming(SSHSession, RemoteRequest)
    case forwarding(SSHSession, TCPPort)
    case open(SSHSession, SSHListener, TCPPort)
    case closed
  }

  private enum Errand {
    case canary(Canary, until: Monotonic)
    case request(RemoteRequest, until: Monotonic)
  }

  let id: LinkID
  private let identity: DeviceIdentity
  private var step: Step
  private var socket: TCPSocket?
  private var errands: [Errand] = []
  private var pumps: [ChannelPump] = []
  /// There while there are channels.
  private var buffer: TransferBuffer?
  private var nextKeepalive: Monotonic?
  private var unsentKeepalives = 0
  private var silence = SilenceWatch()
  /// How much had been sent when that was last looked at.
  private var watchedBytes: Int64 = 0
  private var slot: Int?
  private var hasMoreWork = false
  private var events: [TunnelEvent] = []
  private var offer: KeyOffer
  /// Which of the device's keys HostA accepted.
  private(set) var acceptedKey: DeviceKey.Role?
  /// What HostA was told by the claim or a report.
  private var toldHostKeys: [PublicKey]
  /// The port on HostA, once the claim was granted.
  private(set) var claim: ClaimReply?
  /// The address that was tried last, and answered if anything did.
  private(set) var remoteAddress: SocketAddress?

  init(
    id: LinkID, endpoint: HostAddress.Endpoint, identity: DeviceIdentity, connectLimit: Duration,
    lastGood: SocketAddress?, now: Monotonic
  ) {
    self.id = id
    self.identity = identity
    offer = KeyOffer(identity.keys)
    toldHostKeys = identity.claim.hostKeys
    step = .dialling(HostDial(endpoint, connectLimit: connectLimit, lastGood: lastGood, now: now))
  }

  var channelCount: Int { pumps.count }

  private var session: SSHSession? {
    switch step {
    case .handshaking(let session), .authenticating(let session), .claiming(let session, _),
      .forwarding(let session, _), .open(let session, _, _):
      session
    case .dialling, .closed: nil
    }
  }

  /// Encrypted bytes that came from and went to HostA.
  var traffic: (received: Int64, sent: Int64) { (session?.bytesReceived ?? 0, session?.bytesSent ?? 0) }

  /// Memory that is kept for what goes to HostA, in bytes.
  var heldOutput: Int { session?.heldOutput ?? 0 }

  func register(in set: inout PollSet) {
    slot = nil
    switch step {
    case .dialling(let dial): slot = dial.register(in: &set)
    case .closed: break
    default:
      guard let socket, let session else { return }
      slot = set.add(socket.descriptor, session.pendingOutput > 0 ? POLLIN | POLLOUT : POLLIN)
      let mayRead = session.pendingOutput < Self.outputLimit
      for pump in pumps { pump.register(in: &set, mayRead: mayRead) }
    }
  }

  /// When `turn` is due even if nothing becomes ready.
  func deadline(now: Monotonic) -> Monotonic? {
    if hasMoreWork { return now }
    let dial: Monotonic? = if case .dialling(let dial) = step { dial.deadline } else { nil }
    let errand: Monotonic? =
      switch errands.first {
      case .canary(let canary, let until): canary.outcome == nil ? canary.judgement.deadline : until
      case .request(_, let until): until
      case nil: nil
      }
    return .earliest(.earliest(nextKeepalive, silence.deadline), .earliest(dial, errand))
  }

  func probe(now: Monotonic) {
    guard let claim else { return }
    send(canaryTo: claim.port, now: now)
    hasMoreWork = true
  }

  /// Sends a keepalive now.
  func check(now: Monotonic) {
    guard nextKeepalive != nil else { return }
    nextKeepalive = now
    hasMoreWork = true
  }

  private func send(canaryTo port: TCPPort, now: Monotonic) {
    let limit = CanaryJudgement.limit + Self.requestLimit
    errands.append(.canary(Canary(port: port, now: now), until: now + limit))
  }

  /// Tells HostA the keys of the device's own sshd, unless this connection has done so.
  func report(hostKeys: [PublicKey], now: Monotonic) {
    guard case .open = step, hostKeys != toldHostKeys else { return }
    toldHostKeys = hostKeys
    report(ReportBody(sshd: .up, hostKeys: hostKeys), now: now)
  }

  func report(_ body: ReportBody, now: Monotonic) { ask(.report, body.line, now: now) }

  /// Asks HostA for something while the tunnel is up.
  func ask(_ request: DeviceRequest, _ body: String, now: Monotonic) {
    errands.append(.request(RemoteRequest(request, body: body), until: now + Self.requestLimit))
    hasMoreWork = true
  }

  /// Ends the connection and everything on it.
  func close() {
    session?.close()
    step = .closed
    socket = nil
    pumps = []
    errands = []
    nextKeepalive = nil
    silence = SilenceWatch()
    hasMoreWork = false
    SSHLibrary.returnFreedMemory()
  }

  /// Goes on as far as it can without waiting, and returns what happened.
  func turn(_ set: PollSet, now: Monotonic) -> [TunnelEvent] {
    events = []
    hasMoreWork = false
    do throws(LinkFailure) {
      try advance(set, now: now)
    } catch {
      close()
      events.append(.ended(id, error))
    }
    return events
  }

  private func advance(_ set: PollSet, now: Monotonic) throws(LinkFailure) {
    if case .dialling(let dial) = step {
      guard try isConnected(dial, now: now) else { return }
    }
    let phase = dialPhase
    do throws(SSHError) {
      try advanceSession(set, now: now)
      try session?.flush()
    } catch {
      throw LinkFailure(error, in: phase)
    }
    if pumps.isEmpty, heldOutput > Self.idleOutput, session?.releaseOutput() == true { SSHLibrary.returnFreedMemory() }
    watchForSilence(now: now)
    if case .claiming(_, let request) = step, case .failure(let failure)? = request.reply { throw failure }
    if let claimRefusal { throw .claimRefused(claimRefusal) }
    if let misunderstanding { throw .claimFailed(misunderstanding) }
  }

  // MARK: Dialling

  private var claimRefusal: Refusal?
  private var misunderstanding: String?

  private var dialPhase: LinkPhase {
    switch step {
    case .dialling(let dial): dial.phase
    case .handshaking: .handshaking
    case .authenticating: .authenticating
    case .claiming: .claiming
    case .forwarding: .forwarding
    case .open, .closed: .up
    }
  }

  private func isConnected(_ dial: HostDial, now: Monotonic) throws(LinkFailure) -> Bool {
    var dial = dial
    let phase = dial.phase
    defer {
      remoteAddress = dial.remoteAddress
      if case .dialling = step { step = .dialling(dial) }
    }
    let socket = try dial.turn(now: now)
    if dial.phase != phase { events.append(.reached(id, .connecting)) }
    guard let socket else { return false }
    do throws(SSHError) {
      step = .handshaking(try SSHSession(descriptor: socket.descriptor, hostKeys: .pinned(identity.pins)))
    } catch {
      throw LinkFailure(error, in: .handshaking)
    }
    self.socket = socket
    events.append(.reached(id, .handshaking))
    return true
  }

  private func advanceSession(_ set: PollSet, now: Monotonic) throws(SSHError) {
    while true {
      switch step {
      case .dialling, .closed: return
      case .handshaking(let session):
        guard case .ready = try session.handshake() else { return }
        step = .authenticating(session)
        events.append(.reached(id, .authenticating))
      case .authenticating(let session):
        let progress = try offer.advance(on: session, account: identity.account)
        guard case .ready(let key) = progress else { return }
        acceptedKey = key
        step = .claiming(session, RemoteRequest(.claim, body: identity.claim.line))
        events.append(.reached(id, .claiming))
      case .claiming(let session, let request):
        _ = try request.advance(on: session)
        guard case .success(let reply)? = request.reply, let port = granted(reply) else { return }
        // What is left of the request, its channel's end, need not hold up the forward.
        errands.append(.request(request, until: now + Self.requestLimit))
        step = .forwarding(session, port)
      case .forwarding(let session, let port):
        let progress = try session.listen(address: Loopback.address, port: port.rawValue)
        guard case .ready(let listener) = progress else { return }
        step = .open(session, listener, port)
        nextKeepalive = now + .seconds(identity.claim.keepalive_s)
        events.append(.reached(id, .probing))
        send(canaryTo: port, now: now)
      case .open(let session, let listener, _):
        try serve(session, listener, set, now: now)
        return
      }
    }
  }

  private func granted(_ reply: Reply) -> TCPPort? {
    switch reply {
    case .refused(let refusal): claimRefusal = refusal
    case .ok(let fields):
      do throws(JSONError) {
        let claim = try ClaimReply(fields)
        self.claim = claim
        events.append(.claimed(id, claim))
        return claim.port
      } catch {
        misunderstanding = "the reply is not understood: \(error)"
      }
    }
    return nil
  }

  // MARK: Serving

  private func serve(
    _ session: SSHSession, _ listener: SSHListener, _ set: PollSet, now: Monotonic
  ) throws(SSHError) {
    // What is left in the socket makes the next poll return at once.
    session.allowReceiving(set.isReady(slot, POLLIN) ? Self.receiveShare : 0)
    while case .ready(let channel) = try listener.accept() { arrived(channel) }
    // Everything is inside libssh2 now: what follows need not ask the kernel again for each channel.
    session.allowReceiving(0)
    try runErrand(session, now: now)
    try pump(session, set)
    try keepAlive(session, now: now)
  }

  private func arrived(_ channel: SSHChannel) {
    let isServed = pumps.count < Self.channelLimit
    pumps.append(ChannelPump(channel: channel, sshdPort: isServed ? identity.sshdPort.rawValue : nil))
    for case .canary(let canary, _) in errands.prefix(1) { canary.judgement.arrived(isServed: isServed) }
  }

  private func runErrand(_ session: SSHSession, now: Monotonic) throws(SSHError) {
    switch errands.first {
    case .canary(let canary, let until):
      let wasOut = canary.outcome == nil
      let isDone = try canary.advance(on: session, now: now)
      if wasOut, let outcome = canary.outcome { events.append(.canary(id, outcome)) }
      if isDone { finishErrand() } else if now >= until { throw .disconnected("HostA does not answer requests") }
    case .request(let request, let until):
      if try request.advance(on: session) {
        if request.command == DeviceRequest.rotateKey.rawValue, let reply = request.reply {
          events.append(.answered(id, reply))
        }
        finishErrand()
      } else if now >= until {
        throw .disconnected("HostA does not answer requests")
      }
    case nil: return
    }
  }

  private func finishErrand() {
    errands.removeFirst()
    if !errands.isEmpty { hasMoreWork = true }
  }

  private func pump(_ session: SSHSession, _ set: PollSet) throws(SSHError) {
    guard !pumps.isEmpty else { return }
    let buffer = buffer ?? TransferBuffer()
    var left: [ChannelPump] = []
    var sshdRefused = false
    for pump in pumps {
      let turn = try pump.turn(set, session: session, buffer: buffer, outputLimit: Self.outputLimit)
      if case .moreWork = turn { hasMoreWork = true }
      if case .finished = turn { sshdRefused = sshdRefused || pump.wasRefused } else { left.append(pump) }
    }
    // Whoever stands first may fill the output buffer: let another one be first the next time.
    if left.count > 1 { left.append(left.removeFirst()) }
    pumps = left
    self.buffer = pumps.isEmpty ? nil : buffer
    if pumps.isEmpty { SSHLibrary.returnFreedMemory() }
    if sshdRefused { events.append(.suspicion(id)) }
  }

  private func keepAlive(_ session: SSHSession, now: Monotonic) throws(SSHError) {
    guard let due = nextKeepalive, due <= now else { return }
    nextKeepalive = now + .seconds(identity.claim.keepalive_s)
    unsentKeepalives = try session.sendKeepalive() ? 0 : unsentKeepalives + 1
    if unsentKeepalives >= Self.unsentKeepaliveLimit { events.append(.suspicion(id)) }
  }

  /// Learns from the kernel whether HostA acknowledges what was sent.
  private func watchForSilence(now: Monotonic) {
    guard case .open(let session, _, _) = step, let socket else { return }
    let isDue = silence.deadline.map { $0 <= now } ?? false
    let isNews = silence.isQuiet && session.bytesSent != watchedBytes
    guard isDue || isNews, let transmission = socket.transmission else { return }
    let sample = SilenceWatch.Sample(
      isUnacknowledged: transmission.unacknowledged > 0, sinceHeard: transmission.sinceHeard,
      roundTrip: transmission.roundTrip, retransmission: transmission.retransmission)
    if isNews {
      watchedBytes = session.bytesSent
      silence.sent(sample, now: now)
    }
    guard isDue else { return }
    switch silence.look(sample, now: now) {
    case .silent: events.append(.silent(id))
    case .heard: events.append(.heard(id))
    case nil: break
    }
  }
}
