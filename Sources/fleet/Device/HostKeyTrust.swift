import FleetProtocol

/// `fleet trust`: what is recorded, accepted and shown of a device's host keys, and how a person changes that.
struct HostKeyTrust {
  let place: FleetHostName
  let context: LaptopContext

  private var device: DeviceName { place.device }

  /// Throws `device-host-key-changed` after the table where the keys do not fit together.
  func show() throws(Refusal) {
    let connection = try DeviceConnection.dial(device, host: context.host, paths: context.paths)
    let known = context.pins(of: device).content
    let shown = try HostKeyLook.keys(of: device, first: connection, context: context)
    let header = connection.header
    try StandardStreams.print(HostKeyTable.text(header: header, known: known, shown: shown))
    let pins = try HostKeyRule.pins(after: header, of: place, known: known)
    // As ssh decides: it asks for a key that is trusted where the device has one.
    guard !shown.contains(where: { HostKeyRule.refusal(of: $0, pins: pins, device: place) == nil }),
      let refusal = shown.first.flatMap({ HostKeyRule.refusal(of: $0, pins: pins, device: place) })
    else { return }
    throw refusal
  }

  /// Returns what was done. Throws `device-host-key-changed` for a fingerprint that fits no key, and what HostA refuses.
  func accept(_ fingerprint: String) throws(Refusal) -> String {
    let connection = try DeviceConnection.dial(device, host: context.host, paths: context.paths)
    let header = connection.header
    let pins = context.pins(of: device)
    let known = pins.content
    if let key = header.hostKeys.first(where: { KeyFingerprint.of($0) == fingerprint }) {
      try pins.write(HostKeyRule.pins(accepting: key, of: header, known: known))
      context.hostA.endConnections(to: device)
      return "this laptop accepts \(fingerprint) for \(device), which is recorded on HostA"
    }
    let shown = try HostKeyLook.keys(of: device, first: connection, context: context)
    guard let key = shown.first(where: { $0.fingerprint == fingerprint })?.key else {
      let found = shown.map(\.fingerprint).joined(separator: ", ")
      throw Refusal(
        .deviceHostKeyChanged, "\(device) does not show \(fingerprint) but \(found), so nothing was accepted",
        hint: "read the fingerprint on the box itself; 'fleet trust \(place)' shows what is recorded")
    }
    // What is recorded and still shown stays; what is gone would only be a way in for whoever has the old key.
    let kept = header.hostKeys.filter { recorded in shown.contains { $0.isSame(as: recorded) } }
    _ = try context.hostA.enroll(device, hostKeys: [key] + kept)
    context.hostA.endConnections(to: device)
    var accepted = PinnedKeys(trusted: [key] + kept.filter { known.trusted.contains($0) })
    accepted.others = kept.filter { !known.trusted.contains($0) }
    try pins.write(accepted)
    return "\(fingerprint) is recorded on HostA as the host key of \(device), and accepted here; "
      + "other laptops are told at their next connection"
  }
}
