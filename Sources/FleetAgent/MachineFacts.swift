import FleetProtocol
import Glibc

/// What the device is, for people who look at the list.
enum MachineFacts {
  /// `hostname`, `os`, `arch` and `kernel`, as far as the machine tells.
  static func read() -> [String: String] {
    var facts: [String: String] = [:]
    var system = utsname()
    if uname(&system) == 0 {
      facts["hostname"] = text(of: system.nodename)
      facts["arch"] = text(of: system.machine)
      facts["kernel"] = text(of: system.release)
    }
    if let file = try? File.read("/etc/os-release", limit: 16384) {
      facts["os"] = operatingSystem(inOSRelease: String(decoding: file, as: UTF8.self))
    }
    return facts.mapValues { String($0.unicodeScalars.prefix(Limits.text / 4)) }
  }

  /// The kernel's identity of this boot; two boxes with one key differ in it.
  static func bootID() -> String {
    let text = (try? File.read("/proc/sys/kernel/random/boot_id", limit: 64)).map {
      String(decoding: $0, as: UTF8.self)
    }
    return text.map { String($0.prefix { !$0.isWhitespace }) } ?? "unknown"
  }

  /// PRETTY_NAME of os-release(5), `nil` when it is not there.
  static func operatingSystem(inOSRelease text: String) -> String? {
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("PRETTY_NAME=") {
      let value = line.dropFirst("PRETTY_NAME=".count)
      let isQuoted = value.count >= 2 && value.first == value.last && (value.first == "\"" || value.first == "'")
      return String(isQuoted ? value.dropFirst().dropLast() : value)
    }
    return nil
  }

  private static func text(of field: some Any) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
