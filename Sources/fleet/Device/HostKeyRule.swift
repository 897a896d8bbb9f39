import FleetProtocol

/// Which host keys of a device are good, and the sentences for those that are not.
enum HostKeyRule {
  /// What this laptop trusts after HostA has said which keys are recorded.
  ///
  /// The first contact takes all of them, since HostA vouches for them. Later a key must be recorded *and* have been
  /// accepted here; one that HostA has recorded meanwhile is kept in mind and not trusted. Throws
  /// `device-host-key-changed` when no accepted key is left.
  static func pins(
    after header: ConnectHeader, of device: FleetHostName, known: PinnedKeys
  ) throws(Refusal) -> PinnedKeys {
    var pins = PinnedKeys(accepting: header)
    guard !known.trusted.isEmpty else { return pins }
    pins.trusted = header.hostKeys.filter { known.trusted.contains($0) }
    pins.others = header.hostKeys.filter { !known.trusted.contains($0) }
    guard pins.trusted.isEmpty else { return pins }
    throw recordedAnew(pins.others, instead: known.trusted, pins, device)
  }

  /// What this laptop trusts once a person has accepted a key that HostA has recorded.
  static func pins(accepting key: PublicKey, of header: ConnectHeader, known: PinnedKeys) -> PinnedKeys {
    var pins = PinnedKeys(accepting: header)
    pins.trusted = header.hostKeys.filter { $0 == key || known.trusted.contains($0) }
    pins.others = header.hostKeys.filter { !pins.trusted.contains($0) }
    return pins
  }

  /// Why the key that a device shows is not good; `nil` for one that is.
  static func refusal(of shown: ShownHostKey, pins: PinnedKeys, device: FleetHostName) -> Refusal? {
    if pins.trusted.contains(where: shown.isSame) { return nil }
    if let other = pins.others.first(where: shown.isSame) {
      return recordedAnew([other], instead: pins.trusted, pins, device)
    }
    let recorded = (pins.trusted + pins.others).sorted(by: KeyFingerprint.isBefore)
    let old = recorded.isEmpty ? "" : ", instead of \(fingerprints(recorded)) (recorded\(moment(pins)))"
    return Refusal(
      .deviceHostKeyChanged,
      "\(device.device) shows a host key that nobody has recorded: \(shown.fingerprint) (\(shown.plainType))\(old)",
      hint: "another machine answers in its place, or its sshd has new keys; this does not go away by itself: an admin "
        + "who sees that fingerprint on the box runs '\(acceptance(device, shown.fingerprint))'")
  }

  private static func recordedAnew(
    _ new: [PublicKey], instead old: [PublicKey], _ pins: PinnedKeys, _ device: FleetHostName
  ) -> Refusal {
    let new = new.sorted(by: KeyFingerprint.isBefore)
    return Refusal(
      .deviceHostKeyChanged,
      "\(device.device) has another host key than this laptop knows: \(fingerprints(new)), recorded\(moment(pins)), "
        + "instead of \(fingerprints(old.sorted(by: KeyFingerprint.isBefore)))",
      hint: "if the box was replaced or set up anew, compare the fingerprint with what is known of it there, and run '"
        + acceptance(device, new.first.map(KeyFingerprint.of) ?? "SHA256:...") + "'")
  }

  /// ` 2026-01-02T03:04:05Z by anna`; empty where HostA did not say.
  static func moment(_ pins: PinnedKeys) -> String {
    let time = pins.recorded.map { " \($0)" } ?? ""
    return switch pins.recordedBy {
    case nil: time
    case "device"?: time + " at its first contact"
    case let name?: time + " by \(DisplayText.escaped(name, limit: 63))"
    }
  }

  private static func fingerprints(_ keys: [PublicKey]) -> String {
    keys.map(KeyFingerprint.of).joined(separator: ", ")
  }

  private static func acceptance(_ device: FleetHostName, _ fingerprint: String) -> String {
    "fleet trust \(device) --accept \(fingerprint)"
  }
}
