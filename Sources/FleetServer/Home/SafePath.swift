import FleetProtocol
import Glibc

/// Paths that go into a key line or sshd's configuration, where a blank or a quote would change the meaning.
enum SafePath {
  /// Throws `home-unusable` unless the path is absolute and of `A-Za-z0-9._/+@-`.
  static func check(_ path: String, what: String) throws(Refusal) {
    let allowed = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "._/+@-".utf8.contains(byte)
      }
    }
    guard allowed, path.hasPrefix("/") else {
      throw Refusal(
        .homeUnusable,
        "\(what) stands at '\(DisplayText.escaped(path, limit: 200))', which cannot stand in sshd's files",
        hint: "use an absolute path of letters, digits and '._/+@-'")
    }
  }

  /// The program that is running, by its absolute path. Throws `home-unusable`.
  static func ownExecutable() throws(Refusal) -> String {
    guard let resolved = realpath("/proc/self/exe", nil) else {
      throw .systemCall("fleet-server does not find its own file", code: .homeUnusable)
    }
    defer { free(resolved) }
    let path = String(cString: resolved)
    try check(path, what: "fleet-server")
    return path
  }
}
