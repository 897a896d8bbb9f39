import FleetProtocol

/// A field of a device by its name, as `--sort` and `--format` take it.
struct DeviceField: Hashable {
  /// Without a key they are called as in `--json`.
  private enum Kind: String, CaseIterable {
    case name, state, rtt_ms, last_seen, port, user, tags, note, remote_address, agent_version, id, bytes_received,
      bytes_sent, enrolled, provisioned, expires
    case tag = "tag:KEY"
    case fact = "fact:KEY"
  }

  private let kind: Kind
  /// Which tag or fact.
  private let key: String

  /// Every name there is, for a person who wrote another.
  static let names = Kind.allCases.map(\.rawValue).joined(separator: ", ")

  /// What people call a field besides.
  private static let otherNames: [String: Kind] = ["latency": .rtt_ms, "address": .remote_address]

  static let name = DeviceField(kind: .name, key: "")

  private init(kind: Kind, key: String) {
    self.kind = kind
    self.key = key
  }

  /// `last-seen` is `last_seen`, too; `tag:site` and `fact:os` name one of many. Throws `usage`.
  init(parsing text: some StringProtocol) throws(Refusal) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let word = String(parts[0].map { $0 == "-" ? "_" : $0 })
    if parts.count == 2, !parts[1].isEmpty, let kind = Kind(rawValue: word + ":KEY") {
      self.init(kind: kind, key: String(parts[1]))
    } else if parts.count == 1, let kind = Kind(rawValue: word) ?? Self.otherNames[word] {
      self.init(kind: kind, key: "")
    } else {
      throw Refusal(
        .usage, "a device has no field '\(DisplayText.escaped(text, limit: 40))'", hint: "the fields are \(Self.names)")
    }
  }

  /// What it says of the device, with nothing in it that a terminal obeys; empty where it is not known.
  func text(of device: DeviceStatus) -> String {
    switch kind {
    case .name: device.name.rawValue
    case .state: device.state.rawValue
    case .rtt_ms: device.rtt_ms.map { "\($0)" } ?? ""
    case .last_seen: device.lastSeen?.description ?? ""
    case .port: device.port.description
    case .user: device.user.rawValue
    case .tags: device.tags.isEmpty ? "" : DeviceTable.tags(device.tags)
    case .note: DisplayText.escaped(device.note ?? "")
    case .remote_address: DisplayText.escaped(device.remoteAddress ?? "")
    case .agent_version: DisplayText.escaped(device.agentVersion ?? "")
    case .id: device.id.rawValue
    case .bytes_received: device.bytesReceived.map(String.init) ?? ""
    case .bytes_sent: device.bytesSent.map(String.init) ?? ""
    case .enrolled: device.enrolled ? "true" : "false"
    case .provisioned: device.provisioned.description
    case .expires: device.expires?.description ?? ""
    case .tag: DisplayText.escaped(device.tags[key] ?? "")
    case .fact: DisplayText.escaped(device.facts[key] ?? "")
    }
  }

  /// What it is sorted by; `nil` where it is not known.
  func order(of device: DeviceStatus) -> Order? {
    switch kind {
    case .state: .number(Double(Self.rank(of: device.state)))
    case .rtt_ms: device.rtt_ms.map { .number($0) }
    case .last_seen: device.lastSeen.map { .number(Double($0.seconds)) }
    case .port: .number(Double(device.port.rawValue))
    case .bytes_received: device.bytesReceived.map { .number(Double($0)) }
    case .bytes_sent: device.bytesSent.map { .number(Double($0)) }
    case .tag: device.tags[key].map(Self.order)
    case .fact: device.facts[key].map(Self.order)
    default: Self.filled(text(of: device)).map { .text($0) }
    }
  }

  /// Numbers in their order, before texts in theirs.
  enum Order: Comparable {
    case number(Double)
    case text(String)
  }

  /// `rack=9` comes before `rack=10`.
  private static func order(of text: String) -> Order { Int64(text).map { .number(Double($0)) } ?? .text(text) }

  private static func filled(_ text: String) -> String? { text.isEmpty ? nil : text }

  /// From what can be reached to what cannot.
  private static func rank(of state: DeviceState) -> Int {
    switch state {
    case .online: 0
    case .duplicate: 1
    case .unknown: 2
    case .stale: 3
    case .offline: 4
    }
  }
}
