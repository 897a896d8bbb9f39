internal import CLibSSH2

/// The libssh2 that this program runs with.
public enum SSHLibrary {
  /// Its version, such as `1.10.0`.
  public static var version: String { String(cString: libssh2_version(0)) }

  /// Whether libssh2 could prepare itself and libcrypto; done once, before the first session.
  static let isReady = libssh2_init(0) == 0

  /// Gives memory that libssh2 has freed back to the kernel; glibc keeps it otherwise.
  public static func returnFreedMemory() { _ = malloc_trim(0) }
}
