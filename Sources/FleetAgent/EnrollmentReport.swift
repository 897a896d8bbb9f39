import FleetProtocol

/// What the agent of a box that is no device yet says of itself, and how `fleet-agent status` shows it.
struct EnrollmentReport: Hashable, Sendable {
  var state: String
  var sentence: String
  /// The name under which it waits for approval.
  var name: String?
  /// The box's own public key, by which a person can tell it from others on the list.
  var key: String
  var agentVersion: String
  var pid: Int64
}

extension EnrollmentReport {
  var line: String {
    JSON.object([
      "v": .integer(Reply.version), "state": .string(state), "sentence": .string(sentence), "name": JSON(name),
      "key": .string(key), "agent_version": .string(agentVersion), "pid": .integer(pid),
    ]).text
  }

  init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    state = try object.string("state", limit: Limits.text)
    sentence = try object.string("sentence")
    name = try object.optionalString("name")
    key = try object.string("key")
    agentVersion = try object.string("agent_version", limit: Limits.text)
    pid = try object.integer("pid", in: 0...Int64.max)
  }

  /// The report as people read it.
  var text: String {
    let rows = [
      ("device", "none yet: this box asks to join"), ("state", sentence), ("key", key),
      ("agent", "fleet-agent \(agentVersion), process \(pid)"),
    ]
    return rows.map { label, value in
      label + String(repeating: " ", count: 12 - label.utf8.count) + DisplayText.escaped(value) + "\n"
    }.joined()
  }
}
