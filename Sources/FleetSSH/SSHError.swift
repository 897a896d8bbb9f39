/// Why an SSH connection, or one request on it, failed. Texts from the server are not escaped.
public enum SSHError: Error, Hashable, Sendable {
  /// The connection is gone: ended by the server, or broken. The text says how.
  case disconnected(String)
  /// What answers does not speak SSH: the first line that it said.
  case notSSH(String)
  /// Server and libssh2 have no algorithm in common: a sentence that names both sides.
  case algorithms(String)
  /// The server showed another host key than the pinned ones: its blob.
  case hostKeyMismatch([UInt8])
  /// The server does not accept the key.
  case authentication(String)
  /// The server refused to open a channel, to run a command or to listen.
  case refused(String)
  /// libssh2 failed in another way: its number and text.
  case failure(Int32, String)
}

/// What a step of a non-blocking operation came to.
public enum SSHProgress<Value> {
  case ready(Value)
  /// Call again, with the same arguments, when the socket has become readable or writable.
  case wouldBlock
}
