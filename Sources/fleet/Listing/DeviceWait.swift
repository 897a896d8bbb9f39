import FleetProtocol

/// Which of the devices that are waited for are there.
struct DeviceWait {
  let names: [DeviceName]
  let wanted: DeviceState
  private var there: Set<DeviceName> = []

  init(for names: [DeviceName], to be: DeviceState) {
    self.names = names
    wanted = be
  }

  /// Takes in how they are now. Returns what to say of those that came, and of those that went again.
  mutating func look(at devices: [DeviceStatus]) -> [String] {
    var news: [String] = []
    for device in devices.sorted(by: { $0.name < $1.name }) where names.contains(device.name) {
      if isThere(device) {
        if there.insert(device.name).inserted { news.append("\(device.name) is \(device.state.rawValue)") }
      } else if there.remove(device.name) != nil {
        news.append("\(device.name) is \(device.state.rawValue) again")
      }
    }
    return news
  }

  /// Those that are not there, in the order in which they were named.
  var missing: [DeviceName] { names.filter { !there.contains($0) } }

  /// Who waits for a device to be online wants to reach it: also where HostA cannot tell, or two boxes are one device.
  private func isThere(_ device: DeviceStatus) -> Bool {
    device.state == wanted || wanted == .online && [.unknown, .duplicate].contains(device.state)
  }

  /// What is said when it begins, of at most three by name.
  var announcement: String {
    let rest = missing.count - 3
    let listed = missing.prefix(3).map(\.rawValue).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    return "waiting for \(listed) to be \(wanted.rawValue)"
  }

  /// Why it ended without them.
  func timeout(after limit: Lifetime) -> Refusal {
    let rest = missing.count - 1
    let others = rest > 0 ? " and \(rest) more" : ""
    return Refusal(
      .deviceOffline,
      "\(missing[0])\(others) \(rest > 0 ? "are" : "is") not \(wanted.rawValue) after \(RelativeTime.length(limit.seconds))",
      hint: "'fleet show \(missing[0])' tells when it was last seen")
  }

  /// How long to wait before the next look: soon at first, then ever more patiently.
  static func pause_s(after looks: Int) -> Double { min(5, 0.25 * Double(1 << min(looks, 8))) }
}
