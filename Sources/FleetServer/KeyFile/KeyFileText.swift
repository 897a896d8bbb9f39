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

  /// The first line says how many devices there are, so that `claim` knows it without the registry.
  static func render(
    devices: [Device], operators: [Operator], enrollKeys: [EnrollKey] = [], command: ForcedCommand
  ) -> String {
    var text = "\(header)\(Set(devices.map(\.id)).count) (made from the registry; changes are lost)\n"
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
    for line in text.split(separator: 0x0A) where line.starts(with: header.utf8) {
      return Int(String(decoding: line.dropFirst(header.utf8.count).prefix { $0 != 0x20 }, as: UTF8.self))
    }
    return nil
  }
}
