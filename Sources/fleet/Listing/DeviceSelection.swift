import FleetProtocol

/// Which devices `fleet list` shows, and what it says about the others.
struct DeviceSelection {
  /// In the order in which they were told.
  let shown: [DeviceStatus]
  let hiddenCount: Int
  private let selector: DeviceSelector
  private let waitingCount: Int64

  /// Devices that are offline stay out unless `all` is said, the selector asks for a state, or it names them in full.
  /// `waiting` boxes are no devices yet.
  init(
    _ devices: [DeviceStatus], selector: DeviceSelector = .everything, all: Bool, waiting: Int64 = 0
  ) {
    let meant = selector.isEverything ? devices : devices.filter(selector.matches)
    let names = Set(selector.namesInFull)
    let showsOffline = all || selector.dependsOnState
    shown = meant.filter { showsOffline || $0.state != .offline || names.contains($0.name) }
    hiddenCount = meant.count - shown.count
    self.selector = selector
    waitingCount = waiting
  }

  /// What to say on standard error besides the table.
  var remarks: [String] { [devicesRemark, PendingTable.remark(waiting: waitingCount)].compactMap { $0 } }

  private var devicesRemark: String? {
    if shown.isEmpty, hiddenCount == 0 {
      if !selector.isEverything {
        return "no device fits \(DisplayText.escaped(selector.description, limit: 200))"
      }
      if waitingCount > 0 { return nil }
      return "no device yet; the first one: fleet provision NAME --to USER@BOX"
    }
    if hiddenCount == 0 { return nil }
    let count = hiddenCount == 1 ? "1 device is offline" : "\(hiddenCount) devices are offline"
    let wayOut = selector.isEverything ? "fleet list --all" : hiddenCount == 1 ? "--all shows it" : "--all shows them"
    return (shown.isEmpty ? "no device is online, " : "") + "\(count); \(wayOut)"
  }

  /// `{"v":1,"devices":[...]}`, the form that scripts rely on; `asOf` is there where HostA did not answer.
  func json(_ order: DeviceSort = .byName, asOf: Timestamp? = nil) -> String {
    var object: JSONObject = ["v": .integer(Reply.version)]
    if let asOf { object["as_of"] = .string(asOf.description) }
    object["devices"] = .array(order.sorted(shown).map { JSON.object($0.object) })
    return JSON.object(object).text + "\n"
  }
}
