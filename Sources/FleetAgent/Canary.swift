import FleetProtocol
import FleetSSH

/// One canary on its way: opens the device's own leased port from HostA's side and reads what comes back.
final class Canary {
  private enum Step {
    case opening
    case reading(SSHChannel)
    case closing(SSHChannel)
    case closed
  }

  private let port: TCPPort
  private var step = Step.opening
  var judgement: CanaryJudgement
  /// What it came to; set once.
  private(set) var outcome: CanaryOutcome?

  init(port: TCPPort, now: ContinuousClock.Instant) {
    self.port = port
    judgement = CanaryJudgement(now: now)
  }

  /// Goes on as far as it can. Returns whether all is done, the channel freed included.
  func advance(on session: SSHSession, now: ContinuousClock.Instant) throws(SSHError) -> Bool {
    do throws(SSHError) {
      try proceed(on: session)
    } catch {
      guard case .refused(let reason) = error else { throw error }
      judgement.ended("HostA refused the canary: \(DisplayText.escaped(reason, limit: 200))")
      step = .closed
    }
    if outcome == nil { outcome = judgement.outcome(now: now) }
    if outcome != nil, case .opening = step { outcome = .lost("HostA does not answer requests") }
    guard outcome != nil else { return false }
    if case .reading(let channel) = step { step = .closing(channel) }
    if case .closing(let channel) = step, case .ready = try channel.close() { step = .closed }
    if case .closed = step { return true }
    return false
  }

  private func proceed(on session: SSHSession) throws(SSHError) {
    if case .opening = step {
      guard case .ready(let channel) = try session.openDirect(address: Loopback.address, port: port.rawValue) else {
        return
      }
      step = .reading(channel)
    }
    while case .reading(let channel) = step, outcome == nil {
      guard case .ready(let bytes) = try channel.read(limit: 256) else { return }
      if bytes.isEmpty {
        judgement.ended("HostA ended the canary")
        return
      }
      judgement.receive(bytes)
      if judgement.hasHeardEnough { return }
    }
  }
}
