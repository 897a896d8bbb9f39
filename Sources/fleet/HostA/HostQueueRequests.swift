import FleetProtocol

/// Commands that wait for devices.
extension HostRequest {
  /// Returns what the command is called in the queue.
  func queueAdd(_ body: QueueBody) throws(Refusal) -> QueueID {
    let fields = try answer(to: .queueAdd, body: body.line).fields
    return try parse { () throws(JSONError) in
      guard let id = try? QueueID(validating: try fields.string("id")) else { throw JSONError("'id' is no identity") }
      return id
    }
  }

  /// This operator's commands, the oldest first, and HostA's time.
  func queue() throws(Refusal) -> (entries: [QueuedCommand], now: Timestamp) {
    try queue(of: try answer(to: .queue))
  }

  /// What an answer to `queue` tells.
  func queue(of answer: Answer) throws(Refusal) -> (entries: [QueuedCommand], now: Timestamp) {
    try parse { () throws(JSONError) in
      guard let now = Timestamp(parsing: try answer.fields.string("now")) else {
        throw JSONError("'now' is not a time")
      }
      let entries = try Self.objects(of: answer, "a command").map { (object) throws(JSONError) in
        try QueuedCommand(object)
      }
      return (entries, now)
    }
  }

  /// Returns for how many devices the command still waited.
  func queueCancel(_ id: QueueID) throws(Refusal) -> Int64 {
    let fields = try answer(to: .queueCancel(id)).fields
    return try parse { () throws(JSONError) in try fields.integer("count", in: 0...Int64.max) }
  }
}
