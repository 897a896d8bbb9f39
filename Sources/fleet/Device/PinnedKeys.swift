import FleetProtocol

/// What this laptop holds of a device's host keys: the text of one known_hosts file, whose comments say the rest.
struct PinnedKeys: Hashable {
  /// HostA has recorded them and this laptop accepts them: the device must show one of these.
  var trusted: [PublicKey] = []
  /// HostA has recorded them, too, and nobody has accepted them here.
  var others: [PublicKey] = []
  /// Accepted until this laptop itself gave the device's name to new hardware; the next contact brings the new keys.
  var released: [PublicKey] = []
  /// When and by whom HostA's keys were recorded: an operator, or `device` for the first contact.
  var recorded: Timestamp?
  var recordedBy: String?

  private static let recordedMark = "# recorded "
  private static let otherMark = "# not accepted here: "
  private static let releasedMark = "# until the hardware was replaced: "

  /// Lines that are not understood are passed over.
  init(parsing text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      func key(after mark: String) -> PublicKey? {
        line.hasPrefix(mark) ? try? PublicKey(parsing: line.dropFirst(mark.count)) : nil
      }
      if let other = key(after: Self.otherMark) {
        others.append(other)
      } else if let old = key(after: Self.releasedMark) {
        released.append(old)
      } else if line.hasPrefix(Self.recordedMark) {
        let words = line.dropFirst(Self.recordedMark.count).split(separator: " ", maxSplits: 2)
        recorded = words.first.flatMap { Timestamp(parsing: $0) }
        recordedBy = words.count == 3 ? String(words[2]) : nil
      }
    }
    trusted = HostKeyScan.keys(in: text)
  }

  init(trusted: [PublicKey] = []) { self.trusted = trusted }

  /// All that HostA has recorded.
  init(accepting header: ConnectHeader) {
    trusted = header.hostKeys
    recorded = header.enrolled
    recordedBy = header.enrolledBy
  }

  /// The file's text; its lines stand under the device's plain name.
  func text(of device: DeviceName) -> String {
    var text = ""
    if let recorded {
      text += "\(Self.recordedMark)\(recorded)" + (recordedBy.map { " by \(DisplayText.escaped($0, limit: 63))" } ?? "")
      text += "\n"
    }
    for key in others { text += "\(Self.otherMark)\(key)\n" }
    for key in released { text += "\(Self.releasedMark)\(key)\n" }
    return text + KnownHosts.text(name: device.rawValue, keys: trusted)
  }

  /// Nothing is trusted until the next contact, which then says once what has changed.
  var letGo: PinnedKeys {
    var pins = PinnedKeys()
    pins.released = trusted + released.filter { !trusted.contains($0) }
    return pins
  }
}
