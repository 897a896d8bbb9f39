import FleetProtocol
import FleetSSH
import Glibc

/// One connection to HostA that is opened with the enroll key, for one question: may this box join?
final class JoinConnection {
  private enum Step {
    case dialling(HostDial)
    case handshaking(SSHSession)
    case authenticating(SSHSession)
    case asking(SSHSession)
    case closed
  }

  private let account: String
  private let pins: [[UInt8]]
  /// The text of the enroll key's file.
  private let key: [UInt8]
  private let request: RemoteRequest
  private var step: Step
  private var socket: TCPSocket?
  private var slot: Int?

  init(
    _ configuration: EnrollmentConfiguration, endpoint: HostAddress.Endpoint, key: [UInt8], body: JoinBody,
    connectLimit: Duration, now: Monotonic
  ) {
    account = configuration.host.account.rawValue
    pins = configuration.host.hostKeys.compactMap { Base64.decode($0.base64) }
    self.key = key
    request = RemoteRequest(EnrollKeyRequest.join, body: body.line)
    step = .dialling(HostDial(endpoint, connectLimit: connectLimit, now: now))
  }

  private var session: SSHSession? {
    switch step {
    case .handshaking(let session), .authenticating(let session), .asking(let session): session
    case .dialling, .closed: nil
    }
  }

  func register(in set: inout PollSet) {
    slot = nil
    switch step {
    case .dialling(let dial): slot = dial.register(in: &set)
    case .closed: break
    default:
      guard let socket, let session else { return }
      slot = set.add(socket.descriptor, session.pendingOutput > 0 ? POLLIN | POLLOUT : POLLIN)
    }
  }

  /// When `turn` is due even if nothing becomes ready.
  var deadline: Monotonic? { if case .dialling(let dial) = step { dial.deadline } else { nil } }

  func close() {
    session?.close()
    step = .closed
    socket = nil
  }

  /// Goes on as far as it can without waiting. Returns what the question came to, once it has.
  func turn(now: Monotonic) -> Result<Reply, LinkFailure>? {
    do throws(LinkFailure) {
      if case .dialling(let dial) = step {
        guard try isConnected(dial, now: now) else { return nil }
      }
      let phase = phase
      do throws(SSHError) {
        try advance()
        try session?.flush()
      } catch {
        throw LinkFailure(error, in: phase)
      }
      return request.reply
    } catch {
      return .failure(error)
    }
  }

  private var phase: LinkPhase {
    switch step {
    case .dialling(let dial): dial.phase
    case .handshaking: .handshaking
    case .authenticating: .authenticating
    case .asking, .closed: .claiming
    }
  }

  private func isConnected(_ dial: HostDial, now: Monotonic) throws(LinkFailure) -> Bool {
    var dial = dial
    defer { if case .dialling = step { step = .dialling(dial) } }
    guard let socket = try dial.turn(now: now) else { return false }
    do throws(SSHError) {
      step = .handshaking(try SSHSession(descriptor: socket.descriptor, hostKeys: .pinned(pins)))
    } catch {
      throw LinkFailure(error, in: .handshaking)
    }
    self.socket = socket
    return true
  }

  private func advance() throws(SSHError) {
    while true {
      switch step {
      case .dialling, .closed: return
      case .handshaking(let session):
        guard case .ready = try session.handshake() else { return }
        step = .authenticating(session)
      case .authenticating(let session):
        guard case .ready = try session.authenticate(account: account, privateKey: key) else { return }
        step = .asking(session)
      case .asking(let session):
        _ = try request.advance(on: session)
        return
      }
    }
  }
}
