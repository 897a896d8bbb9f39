import FleetProtocol

/// What an operator may ask for, and about which devices.
///
/// Each check throws `denied`.
struct OperatorAccess: Hashable {
  var role: OperatorRole
  /// The devices that the operator is held to; it asks for nothing that only the moment tells.
  var devices: DeviceSelector

  /// HostA itself, and an admin who is held to nothing.
  static let everything = OperatorAccess(role: .admin, devices: .everything)

  /// Whether the operator's role allows the request, and, of one about the whole fleet, whether nothing holds them.
  func check(_ request: OperatorRequest) throws(Refusal) {
    let verb = request.command.prefix { $0 != " " }
    guard role >= request.requiredRole else {
      throw Refusal(
        .denied, "your role here is \(role.rawValue), and '\(verb)' is for \(Self.holders(of: request.requiredRole))",
        hint: "whoever runs HostA can change that: fleet-server operator add NAME --key FILE --role ROLE")
    }
    guard !request.concernsWholeFleet || devices.isEverything else {
      throw Refusal(
        .denied, "'\(verb)' is about the whole fleet, and you are let at \(shownDevices) only",
        hint: "ask an admin who is let at every device")
    }
  }

  func means(_ device: ListedDevice) -> Bool { devices.means(device) }

  /// Whether the operator is let at the device as it is.
  func check(_ device: ListedDevice) throws(Refusal) {
    guard means(device) else {
      throw Refusal(
        .denied, "you are not let at \(device.name), but at \(shownDevices) only",
        hint: "'fleet list --all' shows the devices that you are let at")
    }
  }

  /// Whether the operator is let at what a device would be after a change, or at a new one.
  func checkResult(name: DeviceName, user: LoginName, tags: [String: String]) throws(Refusal) {
    guard devices.matches(name: name, user: user, tags: tags, state: nil) else {
      throw Refusal(
        .denied, "\(name) would not be among the devices that you are let at, which are \(shownDevices)",
        hint: "choose a name, a user and tags that are")
    }
  }

  private var shownDevices: String { "'\(DisplayText.escaped(devices.description, limit: 200))'" }

  private static func holders(of role: OperatorRole) -> String {
    OperatorRole.allCases.filter { $0 >= role }.map { "\($0.rawValue)s" }.joined(separator: " and ")
  }
}

extension DeviceSelector {
  /// Whether it means the device in some state at least.
  func means(_ device: ListedDevice) -> Bool {
    matches(name: device.name, user: device.user, tags: device.tags, state: nil)
  }
}

extension OperatorRequest {
  /// Whether it is about no single devices, and so not for an operator who is held to some.
  var concernsWholeFleet: Bool {
    switch self {
    case .auditLines, .createEnrollKey, .enrollKeys, .removeEnrollKey, .pending, .approve, .reject: true
    case .version, .list, .select, .show, .log, .provision, .provisionMany, .enroll, .connect, .rename, .tag, .replace,
      .remove, .rekey, .queueAdd, .queue, .queueTake, .queueDone, .queueCancel:
      false
    }
  }

  /// The device that the request itself names; those of a body are looked at where the body is.
  var device: DeviceName? {
    switch self {
    case .show(let name), .provision(let name), .enroll(let name), .connect(let name), .rename(let name, _),
      .tag(let name), .replace(let name), .remove(let name), .rekey(let name), .queueTake(_, let name),
      .queueDone(_, let name):
      name
    case .version, .list, .select, .log, .auditLines, .provisionMany, .createEnrollKey, .enrollKeys, .removeEnrollKey,
      .pending, .approve, .reject, .queueAdd, .queue, .queueCancel:
      nil
    }
  }
}
