import FleetProtocol

/// What `fleet list --watch` remembers from look to look.
struct DeviceWatch {
  /// What is different about a device since the look before.
  struct Change: Hashable {
    let name: DeviceName
    /// As it was; `nil` for one that was not there.
    let before: DeviceStatus?
    /// As it is; `nil` for one that is no longer there.
    let after: DeviceStatus?
  }

  private var known: [DeviceID: DeviceStatus] = [:]
  private var changedAt: [DeviceID: Timestamp] = [:]
  private var hasLooked = false

  /// How long a row is marked.
  static let markedFor_s: Int64 = 10

  /// Takes in what HostA told. Of these devices those are shown that `fits` wants, and those that were shown before:
  /// one that goes offline is not out of sight.
  mutating func look(
    at devices: [DeviceStatus], now: Timestamp, showing fits: (DeviceStatus) -> Bool
  ) -> [Change] {
    let shown = devices.filter { known[$0.id] != nil || fits($0) }
    var changes: [Change] = []
    for device in shown {
      let before = known[device.id]
      if let before, Self.saysTheSame(before, device) { continue }
      changes.append(Change(name: device.name, before: before, after: device))
      if hasLooked { changedAt[device.id] = now }
    }
    let told = Dictionary(shown.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    for (id, device) in known where told[id] == nil {
      changes.append(Change(name: device.name, before: device, after: nil))
      changedAt[id] = nil
    }
    known = told
    hasLooked = true
    return changes.sorted { $0.name < $1.name }
  }

  var devices: [DeviceStatus] { Array(known.values) }

  /// The devices that changed a moment ago.
  func marked(now: Timestamp) -> Set<DeviceID> {
    Set(changedAt.filter { now.seconds - $0.value.seconds < Self.markedFor_s }.keys)
  }

  /// Latencies and times change with every look and are no news.
  private static func saysTheSame(_ one: DeviceStatus, _ other: DeviceStatus) -> Bool {
    one.state == other.state && one.note == other.note && one.name == other.name
  }
}

extension DeviceWatch.Change {
  /// `2026-01-02T03:04:05Z  kitchen-pi  offline (was online)`, with a newline at its end.
  func line(at now: Timestamp) -> String {
    var text = "\(now)  \(name)  \(after?.state.rawValue ?? "removed")"
    if let before {
      if let after, after.name != before.name {
        text += " (renamed from \(before.name))"
      } else if before.state != after?.state {
        text += " (was \(before.state.rawValue))"
      }
    }
    if let note = after?.note { text += ": \(DisplayText.escaped(note))" }
    return text + "\n"
  }

  /// The same for programs: `was` and `device` are null where there was, or is, none.
  func json(at now: Timestamp) -> String {
    JSON.object([
      "v": .integer(Reply.version), "at": .string(now.description), "name": .string(name.rawValue),
      "was": JSON(before?.state.rawValue), "device": after.map { .object($0.object) } ?? .null,
    ]).text + "\n"
  }
}
