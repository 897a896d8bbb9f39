import FleetProtocol

/// `[BIND:]PORT[:[HOST:]PORT]`: a port of this laptop that leads to one of a device, or of a machine beyond it.
struct ForwardedPort: Hashable {
  /// Where this laptop listens.
  let bind: String
  let port: TCPPort
  /// Beyond the device, as the device calls it; `nil` for the device itself.
  let host: String?
  let hostPort: TCPPort

  /// Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    guard let parts = Self.parts(text), let parsed = Self.read(parts) else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 80))' is not a port to forward",
        hint: "write 8080:80, 8080 for the same port, 8080:HOST:80 for a host beyond the device, "
          + "or BIND:8080:80 to listen elsewhere than on 127.0.0.1")
    }
    (bind, port, host, hostPort) = parsed
  }

  private static func read(_ parts: [String]) -> (String, TCPPort, String?, TCPPort)? {
    // A number at the beginning is a port, anything else is where to listen.
    let isPort = TCPPort(parsing: parts[0]) != nil
    let bind = isPort ? "127.0.0.1" : parts[0]
    let rest = isPort ? parts[...] : parts.dropFirst()
    guard bind == "*" || HostAddress.isAddress(bind), (1...3).contains(rest.count), let first = rest.first,
      let last = rest.last, let port = TCPPort(parsing: first), let hostPort = TCPPort(parsing: last)
    else { return nil }
    guard rest.count == 3, let host = rest.dropFirst().first else { return (bind, port, nil, hostPort) }
    guard HostAddress.isAddress(host), !host.allSatisfy(\.isNumber) else { return nil }
    return (bind, port, host, hostPort)
  }

  /// Split at colons outside brackets, which are left out; `nil` for brackets that do not fit.
  private static func parts(_ text: String) -> [String]? {
    var parts: [String] = []
    var rest = text[...]
    while true {
      let part: Substring
      if rest.first == "[" {
        guard let end = rest.firstIndex(of: "]") else { return nil }
        part = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        guard rest.isEmpty || rest.first == ":" else { return nil }
      } else {
        part = rest.prefix { $0 != ":" }
        rest = rest[part.endIndex...]
      }
      parts.append(String(part))
      guard rest.popFirst() != nil else { return parts }
    }
  }

  /// The value of ssh's `-L`.
  var argument: String {
    "\(Self.bracketed(bind)):\(port):\(Self.bracketed(host ?? "localhost")):\(hostPort)"
  }

  /// Where this laptop listens, as a person writes it.
  var address: String { "\(Self.bracketed(bind)):\(port)" }

  /// What a browser opens.
  var url: String {
    let isEverywhere = ["*", "0.0.0.0", "::"].contains(bind)
    return (hostPort.rawValue == 443 ? "https" : "http")
      + "://\(isEverywhere ? "127.0.0.1" : Self.bracketed(bind)):\(port)/"
  }

  /// What is said of it once it is there.
  func sentence(_ device: DeviceName) -> String {
    guard let host else { return "\(address) is port \(hostPort) of \(device)" }
    return "\(address) is port \(hostPort) of \(host), through \(device)"
  }

  private static func bracketed(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }
}
