import FleetProtocol

/// What a running agent says of itself, and how `fleet-agent status` shows it.
struct StatusReport: Hashable, Sendable {
  var name: String
  var device: String
  var agentVersion: String
  var pid: Int64
  /// The state's name, such as `up` or `waiting`, and its sentence.
  var state: String
  var sentence: String
  var since: Timestamp
  /// The way to HostA in use, and the numeric address behind it.
  var endpoint: String?
  var remoteAddress: String?
  /// The device's port on HostA.
  var port: Int64
  var channels: Int64
  /// Encrypted bytes of the present connection.
  var bytesReceived: Int64
  var bytesSent: Int64
  /// Dials since the tunnel was last up.
  var tries: Int64
  var lastError: String?
  /// Whether the device's own sshd answers, as the last canary found it.
  var sshd: String?
  /// How it is with the device's key, where that is being replaced.
  var key: String?

  var isUp: Bool { state == "up" }
}

extension StatusReport {
  var line: String {
    JSON.object([
      "v": .integer(Reply.version), "name": .string(name), "device": .string(device),
      "agent_version": .string(agentVersion), "pid": .integer(pid), "state": .string(state),
      "sentence": .string(sentence), "since": .string(since.description), "endpoint": JSON(endpoint),
      "remote_address": JSON(remoteAddress), "port": .integer(port), "channels": .integer(channels),
      "bytes_received": .integer(bytesReceived), "bytes_sent": .integer(bytesSent), "tries": .integer(tries),
      "last_error": JSON(lastError), "sshd": JSON(sshd), "key": JSON(key),
    ]).text
  }

  init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    name = try object.string("name", limit: Limits.text)
    device = try object.string("device", limit: Limits.text)
    agentVersion = try object.string("agent_version", limit: Limits.text)
    pid = try object.integer("pid", in: 0...Int64.max)
    state = try object.string("state", limit: Limits.text)
    sentence = try object.string("sentence")
    guard let since = Timestamp(parsing: try object.string("since")) else { throw JSONError("'since' is not a time") }
    self.since = since
    endpoint = try object.optionalString("endpoint")
    remoteAddress = try object.optionalString("remote_address")
    port = try object.integer("port", in: 1...65535)
    channels = try object.integer("channels", in: 0...Int64.max)
    bytesReceived = try object.integer("bytes_received", in: 0...Int64.max)
    bytesSent = try object.integer("bytes_sent", in: 0...Int64.max)
    tries = try object.integer("tries", in: 0...Int64.max)
    lastError = try object.optionalString("last_error")
    sshd = try object.optionalString("sshd")
    key = try object.optionalString("key")
  }

  /// The report as people read it, a line for each thing known.
  func text(now: Timestamp) -> String {
    var rows = [("device", "\(name) (\(device))"), ("state", sentence), ("since", "\(since), \(Self.age(since, now))")]
    if let endpoint {
      rows.append(("HostA", [endpoint, remoteAddress.map { "(\($0))" }].compactMap(\.self).joined(separator: " ")))
    }
    rows.append(("port", "\(port) on HostA's loopback"))
    if isUp {
      rows.append(("sessions", String(channels)))
      rows.append(("traffic", "\(Self.bytes(bytesReceived)) received, \(Self.bytes(bytesSent)) sent"))
      if sshd == "down" { rows.append(("sshd", "the device's own sshd does not answer")) }
    } else {
      rows.append(("tries", "\(tries) since the tunnel was last up"))
    }
    if let key { rows.append(("key", key)) }
    if let lastError { rows.append(("last error", lastError)) }
    rows.append(("agent", "fleet-agent \(agentVersion), process \(pid)"))
    return rows.map { label, value in
      label + String(repeating: " ", count: 12 - label.utf8.count) + DisplayText.escaped(value) + "\n"
    }.joined()
  }

  static func age(_ since: Timestamp, _ now: Timestamp) -> String {
    let seconds = max(0, now.seconds - since.seconds)
    return switch seconds {
    case ..<120: "\(seconds) s ago"
    case ..<7200: "\(seconds / 60) min ago"
    case ..<172_800: "\(seconds / 3600) h ago"
    default: "\(seconds / 86_400) days ago"
    }
  }

  static func bytes(_ count: Int64) -> String {
    switch count {
    case ..<10_000: "\(count) B"
    case ..<10_000_000: "\(count / 1000) kB"
    case ..<10_000_000_000: "\(count / 1_000_000) MB"
    default: "\(count / 1_000_000_000) GB"
    }
  }
}
