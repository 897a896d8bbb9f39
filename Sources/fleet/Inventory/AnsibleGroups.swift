import FleetProtocol

/// The groups of an Ansible inventory, made from the devices' states and tags.
struct AnsibleGroups: Hashable {
  /// Group to devices, both in order.
  private(set) var members: [String: [DeviceName]] = [:]
  /// Tags whose groups are called otherwise than one would guess, because two tags make one name.
  private(set) var renamed: [String: [String]] = [:]

  /// A device without a tag is in `untagged`, and in `ungrouped`, which Ansible itself empties of whoever is in
  /// another group.
  init(_ devices: [DeviceStatus]) {
    var tagsOfName: [String: Set<String>] = [:]
    for device in devices {
      for (key, value) in device.tags {
        for tag in Self.tags(key, value) { tagsOfName[Self.plainName(tag), default: []].insert(tag) }
      }
    }
    for device in devices.sorted(by: { $0.name < $1.name }) {
      members["state_\(device.state.rawValue)", default: []].append(device.name)
      if device.tags.isEmpty {
        members["untagged", default: []].append(device.name)
        members["ungrouped", default: []].append(device.name)
      }
      for (key, value) in device.tags {
        for tag in Self.tags(key, value) {
          let plain = Self.plainName(tag)
          let isShared = tagsOfName[plain].map { $0.count > 1 } ?? false
          let name = isShared ? Self.distinctName(tag) : plain
          members[name, default: []].append(device.name)
          if isShared { renamed[plain] = tagsOfName[plain]?.sorted() }
        }
      }
    }
  }

  /// `site=berlin` puts a device into the group of the tag and into the group of the tag with its value.
  private static func tags(_ key: String, _ value: String) -> [String] {
    value.isEmpty ? [key] : [key, "\(key)=\(value)"]
  }

  /// What Ansible takes for a group's name without a warning: letters, digits and `_`, a letter first.
  static func plainName(_ tag: String) -> String {
    "tag_"
      + tag.unicodeScalars.map { scalar in
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? String(scalar) : "_"
      }.joined()
  }

  /// With a part of the tag's hash behind it: a play for one site must never reach another's devices.
  static func distinctName(_ tag: String) -> String {
    let digits = SHA256.digest(Array(tag.utf8)).prefix(4).map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }
    return "\(plainName(tag))_\(digits.joined())"
  }
}
