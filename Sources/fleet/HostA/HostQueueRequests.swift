import FleetProtocol

/// Commands for devices that are not there, and which devices are meant.
extension HostRequest {
  /// The devices that a selector means, as they are now.
  func select(_ selector: DeviceSelector) throws(Refusal) -> [DeviceStatus] {
    try Self.devices(in: try answer(to: .select, body: SelectBody(selector: selector).line), host: host)
  }

  static func devices(in answer: Answer, host: ConfiguredHost) throws(Refusal) -> [DeviceStatus] {
    try objects(in: answer, host: host) { (object) throws(JSONError) in try DeviceStatus(object) }
  }

  /// Returns what the command is called in the queue.
  func queueAdd(_ body: QueueBody) throws(Refusal) -> QueueID {
    let fields = try answer(to: .queueAdd, body: body.line).fields
    return try parse { () throws(JSONError) in
      guard let id = try? QueueID(validating: try fields.string("id")) else { throw JSONError("'id' is no identity") }
      return id
    }
  }

  /// This operator's commands in the order in which they were added, and HostA's time.
  func queue() throws(Refusal) -> (entries: [QueuedCommand], now: Timestamp) {
    let answer = try answer(to: .queue)
    let entries = try Self.queuedCommands(in: answer, host: host)
    return try parse { () throws(JSONError) in
      guard let now = Timestamp(parsing: try answer.fields.string("now")) else {
        throw JSONError("'now' is not a time")
      }
      return (entries, now)
    }
  }

  static func queuedCommands(in answer: Answer, host: ConfiguredHost) throws(Refusal) -> [QueuedCommand] {
    try objects(in: answer, host: host) { (object) throws(JSONError) in try QueuedCommand(object) }
  }

  /// Returns for how many devices the command still waited.
  func queueCancel(_ id: QueueID) throws(Refusal) -> Int64 {
    let fields = try answer(to: .queueCancel(id)).fields
    return try parse { () throws(JSONError) in try fields.integer("count", in: 0...Int64.max) }
  }

  /// The lines after a header that says how many there are.
  private static func objects<Value>(
    in answer: Answer, host: ConfiguredHost, _ make: (JSONObject) throws(JSONError) -> Value
  ) throws(Refusal) -> [Value] {
    do throws(JSONError) {
      guard try answer.fields.integer("count", in: 0...1_000_000) == answer.lines.count else {
        throw JSONError("it ends in the middle of the list")
      }
      var values: [Value] = []
      for line in answer.lines {
        guard case .object(let object) = try JSON(parsing: line) else { throw JSONError("a line is not an object") }
        values.append(try make(object))
      }
      return values
    } catch {
      throw notUnderstood(error, host)
    }
  }
}
