/// How long a connection to HostA waits, and how much it holds.
extension Link {
  /// Sent data that HostA does not acknowledge for so long breaks the connection.
  static let userTimeout_ms: CInt = 10_000
  /// How long HostA may take for a request other than the claim, which the watchdog covers.
  static let requestLimit: Duration = .seconds(15)
  /// While more waits for the socket, nothing is read from local sockets.
  static let outputLimit = 64 * 1024
  /// What an idle tunnel may hold for output: a bulk transfer that came to stand holds hundreds of KiB.
  static let idleOutput = 32 * 1024
  /// What may be received in one turn.
  static let receiveShare = 128 * 1024
  /// Each channel may hold 2 MiB that its reader does not take; 200 busy ones together hold a few MiB.
  static let channelLimit = 256
  /// So many keepalives in a row that could not be sent are suspicious.
  static let unsentKeepaliveLimit = 3
}
