import FleetProtocol
import FleetSSH
import Glibc

/// The way to HostA up to a TCP connection: looks its name up, then tries one address after the other.
struct HostDial {
  private enum Step {
    case resolving(NameResolution, until: Monotonic)
    case connecting(TCPSocket, until: Monotonic, then: [SocketAddress])
  }

  /// How long a name server may take where an address is known that was good before.
  static let resolveLimit: Duration = .seconds(2)

  /// How long one address may take to connect.
  private let connectLimit: Duration
  /// Where HostA was found before at this endpoint.
  private let lastGood: SocketAddress?
  private var step: Step
  /// The address that was tried last, and answered if anything did.
  private(set) var remoteAddress: SocketAddress?

  init(_ endpoint: HostAddress.Endpoint, connectLimit: Duration, lastGood: SocketAddress? = nil, now: Monotonic) {
    self.connectLimit = connectLimit
    self.lastGood = lastGood
    let resolution = NameResolution(name: endpoint.address, port: endpoint.port.rawValue)
    step = .resolving(resolution, until: now + Self.resolveLimit)
  }

  var phase: LinkPhase {
    switch step {
    case .resolving: .resolving
    case .connecting: .connecting
    }
  }

  func register(in set: inout PollSet) -> Int {
    switch step {
    case .resolving(let resolution, _): set.add(resolution.descriptor, POLLIN)
    case .connecting(let socket, _, _): set.add(socket.descriptor, POLLOUT)
    }
  }

  /// When `turn` is due even if nothing becomes ready.
  var deadline: Monotonic? {
    switch step {
    case .connecting(_, let until, _): until
    case .resolving(_, let until): lastGood == nil ? nil : until
    }
  }

  /// Goes on as far as it can without waiting. Returns the connection once it stands.
  mutating func turn(now: Monotonic) throws(LinkFailure) -> TCPSocket? {
    while true {
      switch step {
      case .resolving(let resolution, let until):
        let addresses = try addresses(from: resolution, until: until, now: now)
        guard !addresses.isEmpty else { return nil }
        connect(to: addresses, now: now)
      case .connecting(let socket, let until, let rest):
        let reason: String
        switch socket.checkConnected() {
        case .connected: return socket
        case .pending where now < until: return nil
        case .pending: reason = "no answer within \(connectLimit.components.seconds) s"
        case .failed(_, let text): reason = text
        }
        guard !rest.isEmpty else { throw .unreachable(reason) }
        connect(to: rest, now: now)
      }
    }
  }

  /// What the name server says; where it fails or hangs, the address that was good before. None while it may still answer.
  private func addresses(
    from resolution: NameResolution, until: Monotonic, now: Monotonic
  ) throws(LinkFailure) -> [SocketAddress] {
    do throws(LinkFailure) {
      let addresses = try resolution.addresses()
      if addresses.isEmpty, now >= until, let lastGood { return [lastGood] }
      return addresses
    } catch {
      guard let lastGood else { throw error }
      return [lastGood]
    }
  }

  private mutating func connect(to addresses: [SocketAddress], now: Monotonic) {
    let socket = TCPSocket(connectingTo: addresses[0], userTimeout_ms: Link.userTimeout_ms)
    remoteAddress = addresses[0]
    step = .connecting(socket, until: now + connectLimit, then: Array(addresses.dropFirst()))
  }
}
