internal import Glibc

/// What the kernel knows of how a connection's bytes fare (tcp(7), TCP_INFO).
public struct TCPTransmission: Hashable, Sendable {
  /// Bytes handed to the kernel that the other side has not acknowledged.
  public var unacknowledged: Int
  /// How long ago anything came from the other side.
  public var sinceHeard: Duration
  /// The smoothed round trip time.
  public var roundTrip: Duration
  /// After how long the kernel sends again what nobody acknowledged; it doubles with each time.
  public var retransmission: Duration

  public init(unacknowledged: Int, sinceHeard: Duration, roundTrip: Duration, retransmission: Duration) {
    self.unacknowledged = unacknowledged
    self.sinceHeard = sinceHeard
    self.roundTrip = roundTrip
    self.retransmission = retransmission
  }
}

extension TCPSocket {
  /// How the connection's bytes fare now, `nil` where the kernel does not tell.
  public var transmission: TCPTransmission? {
    var information = tcp_info()
    var length = socklen_t(MemoryLayout<tcp_info>.size)
    var waiting: CInt = 0
    guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &information, &length) == 0,
      ioctl(descriptor, UInt(TIOCOUTQ), &waiting) == 0
    else { return nil }
    return TCPTransmission(
      unacknowledged: Int(waiting),
      sinceHeard: .milliseconds(Int(min(information.tcpi_last_ack_recv, information.tcpi_last_data_recv))),
      roundTrip: .microseconds(Int(information.tcpi_rtt)), retransmission: .microseconds(Int(information.tcpi_rto)))
  }
}
