/// The one address on which a tunnel's port stands on HostA.
public enum Loopback {
  /// Always this literal: with `localhost` sshd also reports success when another user holds the IPv4 port,
  /// and sshd compares `permitlisten` with the requested address as text.
  public static let address = "127.0.0.1"
}
