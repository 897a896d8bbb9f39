import FleetProtocol

/// Which devices `fleet list` shows, and what it says about the others.
struct DeviceSelection: Hashable {
  let shown: [DeviceStatus]
  let hiddenCount: Int
  private let waitingCount: Int64

  /// Without `all`, devices that are offline stay out; `waiting` boxes are no devices yet.
  init(_ devices: [DeviceStatus], all: Bool, waiting: Int64 = 0) {
    shown = all ? devices : devices.filter { $0.state != .offline }
    hiddenCount = devices.count - shown.count
    waitingCount = waiting
  }

  /// What to say on standard error besides the table.
  var remarks: [String] { [devicesRemark, PendingTable.remark(waiting: waitingCount)].compactMap { $0 } }

  private var devicesRemark: String? {
    if shown.isEmpty, hiddenCount == 0 {
      if waitingCount > 0 { return nil }
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
