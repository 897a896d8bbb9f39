internal import CLibSSH2

/// The libssh2 that this program runs with.
public enum SSHLibrary {
  /// Its version, such as `1.10.0`.
  public static var version: String { String(cString: libssh2_version(0)) }
}
