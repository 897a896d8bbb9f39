import FleetProtocol
import FleetSSH
import Glibc

/// One connection to HostA that is opened with the enroll key, for one question: may this box join?
final class JoinConnection {
  private enum Step {
    case resolving(NameResolution)
    case connecting(TCPSocket, until: Monotonic, then: [SocketAddress])
    case handshaking(SSHSession)
    case authenticating(SSHSession)
    case asking(SSHSession)
    case closed
  }

  private let account: String
  private let pins: [[UInt8]]
  /// The text of the enroll key's file.
  private let key: [UInt8]
  private let connectLimit: Duration
  private let request: RemoteRequest
  private var step: Step
  private var socket: TCPSocket?
  private var slot: Int?

  init(
    _ configuration: EnrollmentConfiguration, endpoint: HostAddress.Endpoint, key: [UInt8], body: JoinBody,
    connectLimit: Duration
  ) {
    account = configuration.host.account.rawValue
    pins = configuration.host.hostKeys.compactMap { Base64.decode($0.base64) }
    self.key = key
    self.connectLimit = connectLimit
    request = RemoteRequest(EnrollKeyRequest.join, body: body.line)
    step = .resolving(NameResolution(name: endpoint.address, port: endpoint.port.rawValue))
  }

  private var session: SSHSession? {
    switch step {
    case .handshaking(let session), .authenticating(let session), .asking(let session): session
    case .resolving, .connecting, .closed: nil
    }
  }

  func register(in set: inout PollSet) {
    slot = nil
    switch step {
    case .resolving(let resolution): slot = set.add(resolution.descriptor, POLLIN)
    case .connecting(let socket, _, _): slot = set.add(socket.descriptor, POLLOUT)
    case .closed: break
    default:
      guard let socket, let session else { return }
      slot = set.add(socket.descriptor, session.pendingOutput > 0 ? POLLIN | POLLOUT : POLLIN)
    }
  }

  /// When `turn` is due even if nothing becomes ready.
  var deadline: Monotonic? { if case .connecting(_, let until, _) = step { until } else { nil } }

  func close() {
    session?.close()
    step = .closed
    socket = nil
  }

  /// Goes on as far as it can without waiting. Returns what the question came to, once it has.
  func turn(now: Monotonic) -> Result<Reply, LinkFailure>? {
    let phase = phase
    do throws(LinkFailure) {
      if case .resolving(let resolution) = step {
        let addresses = try resolution.addresses()
        guard !addresses.isEmpty else { return nil }
        connect(to: addresses, now: now)
      }
      if case .connecting(let socket, let until, let rest) = step {
        guard try isConnected(socket, until: until, then: rest, now: now) else { return nil }
      }
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
    case .resolving: .resolving
    case .connecting: .connecting
    case .handshaking: .handshaking
    case .authenticating: .authenticating
    case .asking, .closed: .claiming
    }
  }

  private func connect(to addresses: [SocketAddress], now: Monotonic) {
    let socket = TCPSocket(connectingTo: addresses[0], userTimeout_ms: Link.userTimeout_ms)
    step = .connecting(socket, until: now + connectLimit, then: Array(addresses.dropFirst()))
  }

  private func isConnected(
    _ socket: TCPSocket, until: Monotonic, then rest: [SocketAddress], now: Monotonic
  ) throws(LinkFailure) -> Bool {
    let reason: String
    switch socket.checkConnected() {
    case .connected:
      do throws(SSHError) {
        step = .handshaking(try SSHSession(descriptor: socket.descriptor, hostKeys: .pinned(pins)))
      } catch {
        throw LinkFailure(error, in: .handshaking)
      }
      self.socket = socket
      return true
    case .pending where now < until: return false
    case .pending: reason = "no answer within \(connectLimit.components.seconds) s"
    case .failed(_, let text): reason = text
    }
    guard !rest.isEmpty else { throw .unreachable(reason) }
    connect(to: rest, now: now)
    return false
  }

  private func advance() throws(SSHError) {
    while true {
      switch step {
      case .resolving, .connecting, .closed: return
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
