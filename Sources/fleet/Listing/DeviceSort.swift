import FleetProtocol

/// `--sort FIELD[,-FIELD...]`: by the first field, then by the next, and at last by name; `-` turns a field round.
struct DeviceSort: Hashable {
  private struct Key: Hashable {
    let field: DeviceField
    let isReversed: Bool
  }

  private let keys: [Key]

  static let byName = DeviceSort(keys: [])

  private init(keys: [Key]) { self.keys = keys }

  /// Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    var keys: [Key] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let isReversed = word.hasPrefix("-")
      keys.append(Key(field: try DeviceField(parsing: isReversed ? word.dropFirst() : word), isReversed: isReversed))
    }
    self.keys = keys
  }

  /// Devices of which a field is not known come last, whichever way it is turned.
  func sorted(_ devices: [DeviceStatus]) -> [DeviceStatus] {
    if keys.isEmpty { return devices.sorted { $0.name < $1.name } }
    let rows = devices.map { device in (device: device, orders: keys.map { $0.field.order(of: device) }) }
    return rows.sorted { left, right in
      for (index, key) in keys.enumerated() {
        switch (left.orders[index], right.orders[index]) {
        case (let first?, let second?):
          if first != second { return (first < second) != key.isReversed }
        case (nil, nil): continue
        case (let first, _): return first != nil
        }
      }
      return left.device.name < right.device.name
    }.map(\.device)
  }
}
