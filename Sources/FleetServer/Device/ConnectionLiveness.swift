import Glibc

/// How a recorded session's connection is at this moment.
struct ConnectionLiveness {
  /// Its sshd lives, and something came from the device within three of its keepalives.
  let isHere: Bool
  /// Since when nothing came, in seconds; `nil` where the connection is gone or the kernel does not tell.
  let silence_s: Int64?

  init(_ session: SessionRecord) {
    let isAlive = session.sshd.isLivingSSHD(
      ProcessTable.process(session.sshd.pid), bootID: ProcessTable.bootID(), uid: geteuid())
    switch SocketDiagnostics.lookUp(session.connection) {
    case .untold:
      isHere = isAlive
      silence_s = nil
    case .none:
      isHere = false
      silence_s = nil
    case .established(let health):
      isHere = isAlive && !session.isSilent(health)
      silence_s = health.silence_ms / 1000
    }
  }
}
