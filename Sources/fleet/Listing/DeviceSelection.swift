import FleetProtocol

/// Which devices `fleet list` shows, and what it says about the others.
struct DeviceSelection: Hashable {
  let shown: [DeviceStatus]
  let hiddenCount: Int

  /// Without `all`, devices that are offline stay out.
  init(_ devices: [DeviceStatus], all: Bool) {
    shown = all ? devices : devices.filter { $0.state != .offline }
    hiddenCount = devices.count - shown.count
  }

  /// What to say on standard error besides the table, if anything.
  var remark: String? {
    if shown.isEmpty, hiddenCount == 0 {
      return "no device yet; the first one: fleet provision NAME --to USER@BOX"
    }
    if hiddenCount == 0 { return nil }
    let count = hiddenCount == 1 ? "1 device is offline" : "\(hiddenCount) devices are offline"
    return shown.isEmpty ? "no device is online, \(count); fleet list --all" : "\(count); fleet list --all"
  }

  /// `{"v":1,"devices":[...]}`, the form that scripts rely on.
  var json: String {
    let devices = shown.sorted { $0.name < $1.name }.map { JSON.object($0.object) }
    return JSON.object(["v": .integer(Reply.version), "devices": .array(devices)]).text + "\n"
  }
}
