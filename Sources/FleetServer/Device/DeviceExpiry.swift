import FleetProtocol
import Glibc

/// Removes devices that were due and never seen, and lets those that were seen stay for good.
enum DeviceExpiry {
  /// Throws what reading the registry throws, and what writing it throws where something is to be done.
  static func run(_ registry: Registry, home: Home, now_s: Int64) throws(Refusal) {
    var steps: [(device: Registry.Expiring, step: ExpiryRule.Step)] = []
    for device in try registry.expiring() {
      let isSeen = device.lastSeen_s != nil || SessionFile.place(device.id, home: home) != nil
      let step = ExpiryRule.step(expires_s: device.expires_s, isSeen: isSeen, now_s: now_s)
      if step != .wait { steps.append((device, step)) }
    }
    guard !steps.isEmpty else { return }
    let settings = try HostSettings.read(home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    let removed = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.expire(steps, now_s: now_s)
    }
    // A device that came in its very last second.
    for device in removed { try SessionEnd.shutOut(device, home: home) }
  }
}
