import FleetProtocol

/// How a device is called where ssh wants the name of a host: `kitchen-pi.fleet`, and `kitchen-pi.HOSTA.fleet` with
/// another HostA than the one that is used when none is named.
struct FleetHostName: Hashable, CustomStringConvertible {
  let device: DeviceName
  /// What HostA is called on this laptop; `nil` for the one that is used when none is named.
  let host: String?

  private static let suffix = ".fleet"

  /// Also a device's plain name. Throws `name-invalid`.
  init(parsing text: String) throws(Refusal) {
    let name = text.hasSuffix(Self.suffix) ? text.dropLast(Self.suffix.count) : text[...]
    if name.endIndex != text.endIndex, let dot = name.firstIndex(of: ".") {
      device = try DeviceName(validating: name[..<dot])
      host = String(name[name.index(after: dot)...])
    } else {
      device = try DeviceName(validating: name)
      host = nil
    }
  }

  init(_ device: DeviceName, on host: ConfiguredHost, of configuration: Configuration) {
    self.device = device
    self.host = (try? configuration.host(named: nil)) == host ? nil : host.name
  }

  /// As short as can be: what `init(parsing:)` takes, and a person can paste.
  var description: String { host.map { "\(device).\($0)\(Self.suffix)" } ?? device.rawValue }
}
