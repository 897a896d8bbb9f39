import FleetProtocol

/// The whole text of the key file, made from the registry.
enum KeyFileText {
  /// One key of a device. A device that replaces its key has two.
  struct Device: Hashable {
    var id: DeviceID
    var port: TCPPort
    var key: PublicKey
    var standing: DeviceKeyStanding = .current
    /// When sshd refuses the key.
    var expires: Timestamp?
  }

  struct Operator: Hashable {
    var name: OperatorName
    var key: PublicKey
  }

  struct EnrollKey: Hashable {
    var id: EnrollKeyID
    var key: PublicKey
  }

  private static let header = "# fleet-server devices="

  private static let changeWord = "change="

  /// The first line says how many devices there are, so that `claim` knows it without the registry, and the latest
  /// change of the registry, so that one that has lost changes is not taken for the truth.
  static func render(
    devices: [Device], operators: [Operator], enrollKeys: [EnrollKey] = [], change: Int64 = 0, command: ForcedCommand
  ) -> String {
    let count = Set(devices.map(\.id)).count
    var text = "\(header)\(count) \(changeWord)\(change) (made from the registry; changes are lost)\n"
    for entry in operators.sorted(by: { $0.name < $1.name }) {
      text += KeyLine.operator(entry.name, key: entry.key, command: command) + "\n"
    }
    for entry in enrollKeys.sorted(by: { $0.id < $1.id }) {
      text += KeyLine.enrollKey(entry.id, key: entry.key, command: command) + "\n"
    }
    for device in devices.sorted(by: { ($0.port, $0.standing) < ($1.port, $1.standing) }) {
      text += KeyLine.device(device, command: command) + "\n"
    }
    return text
  }

  /// How many devices the text names, `nil` where its header is not found.
  static func deviceCount(in text: some Collection<UInt8>) -> Int? {
    headerWords(of: text)?.first.flatMap { Int($0) }
  }

  /// The registry's latest change when the text was made; `nil` where no header tells it.
  static func change(in text: some Collection<UInt8>) -> Int64? {
    headerWords(of: text)?.first { $0.hasPrefix(changeWord) }.flatMap { Int64($0.dropFirst(changeWord.count)) }
  }

  /// The text with the number of an earlier change, never of a later one.
  static func withChange(_ earlier: Int64, _ text: String) -> String {
    guard let change = change(in: text.utf8.prefix { $0 != 0x0A }), earlier < change else { return text }
    return text.replacing("\(changeWord)\(change) ", with: "\(changeWord)\(earlier) ", maxReplacements: 1)
  }

  private static func headerWords(of text: some Collection<UInt8>) -> [Substring]? {
    // Line by line: of our own file the first one is it, and there may be ten thousand more.
    var rest = text[...]
    while !rest.isEmpty {
      let line = rest.prefix { $0 != 0x0A }
      if line.starts(with: header.utf8) {
        return String(decoding: line.dropFirst(header.utf8.count), as: UTF8.self).split(separator: " ")
      }
      rest = rest[line.endIndex...].dropFirst()
    }
    return nil
  }
}
