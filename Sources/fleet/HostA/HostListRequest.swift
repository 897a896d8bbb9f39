import FleetProtocol

/// What HostA tells about its devices, and about who did what to them.
extension HostRequest {
  /// Every device, HostA's time, and how many boxes wait for approval. The answer is kept for when HostA is away.
  func list() throws(Refusal) -> (devices: [DeviceStatus], now: Timestamp, waiting: Int64) {
    let answer = try answer(to: .list)
    let list = try devices(of: answer)
    KnownDevices.keep(list.devices, lines: answer.lines, now: list.now, host: host, paths: paths)
    return list
  }

  /// The same of the devices that a selector means.
  func select(_ selector: DeviceSelector) throws(Refusal) -> (
    devices: [DeviceStatus], now: Timestamp, waiting: Int64
  ) {
    if selector.isEverything { return try list() }
    return try devices(of: try answer(to: .select, body: SelectBody(selector: selector).line))
  }

  /// The same, where every name that stands in the selector in full must be a device's. Throws `no-such-device`.
  func selectExisting(_ selector: DeviceSelector) throws(Refusal) -> (
    devices: [DeviceStatus], now: Timestamp, waiting: Int64
  ) {
    let list = try select(selector)
    let told = Set(list.devices.map(\.name))
    // HostA refuses the name, and says which are near. One that exists did not fit the selector's other words.
    for name in selector.namesInFull where !told.contains(name) { _ = try show(name) }
    return list
  }

  /// The latest entries of the log, oldest first, and how many lie in HostA's files that could have been meant.
  func log(_ body: LogBody) throws(Refusal) -> (entries: [LogEntry], earlier: Int64) {
    let answer = try answer(to: .log, body: body.line)
    return try parse { () throws(JSONError) in
      let entries = try Self.objects(of: answer, "an entry").map { (object) throws(JSONError) in try LogEntry(object) }
      return (entries, try answer.fields.optionalInteger("earlier", in: 0...Int64.max) ?? 0)
    }
  }

  /// Lines of the audit, as HostA has them.
  func auditLines(_ body: AuditLinesBody) throws(Refusal) -> AuditPage {
    let answer = try answer(to: .auditLines, body: body.line)
    return try parse { () throws(JSONError) in try AuditPage(answer.fields, lines: answer.lines.map { Array($0) }) }
  }

  /// What an answer to `select` tells.
  func devices(of answer: Answer) throws(Refusal) -> (
    devices: [DeviceStatus], now: Timestamp, waiting: Int64
  ) {
    try parse { () throws(JSONError) in
      guard let now = Timestamp(parsing: try answer.fields.string("now")) else {
        throw JSONError("'now' is not a time")
      }
      let devices = try Self.objects(of: answer, "a device").map { (object) throws(JSONError) in
        try DeviceStatus(object)
      }
      return (devices, now, try answer.fields.optionalInteger("pending", in: 0...Int64.max) ?? 0)
    }
  }

  /// The lines after the header, as many as it says. `what` is what each of them tells.
  static func objects(of answer: Answer, _ what: String) throws(JSONError) -> [JSONObject] {
    guard try answer.fields.integer("count", in: 0...1_000_000) == answer.lines.count else {
      throw JSONError("it ends in the middle of the list")
    }
    return try answer.lines.map { (line) throws(JSONError) in
      guard case .object(let object) = try JSON(parsing: line) else { throw JSONError("\(what) is not an object") }
      return object
    }
  }
}
