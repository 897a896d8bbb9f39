/// Whether a device can be reached, as HostA sees it.
public enum DeviceState: String, CaseIterable, Sendable {
  /// Its sshd lives, its port is ours, and something came from it within three keepalives.
  case online
  /// Its sshd lives but nothing has come for longer than that.
  case stale
  case offline
  /// The kernel does not tell when something last came.
  case unknown
  /// Two boxes use its key. One of them has the port and can be reached.
  case duplicate
}

/// One device in the answer to `list` and `show`: what is leased to it and how it is now.
public struct DeviceStatus: Hashable, Sendable {
  public var name: DeviceName
  public var id: DeviceID
  public var port: TCPPort
  public var user: LoginName
  public var tags: [String: String]
  public var state: DeviceState
  /// What a person should know besides the state, such as "ssh down on the device".
  public var note: String?
  /// When something last came from it, `nil` if it was never seen.
  public var lastSeen: Timestamp?
  /// The kernel's smoothed round trip time between HostA and the device, in milliseconds.
  public var rtt_ms: Double?
  /// The device's public address, as HostA sees it.
  public var remoteAddress: String?
  public var agentVersion: String?
  /// Bytes that the present connection has brought to and taken from HostA.
  public var bytesReceived: Int64?
  public var bytesSent: Int64?
  public var facts: [String: String]
  public var enrolled: Bool
  public var provisioned: Timestamp
  /// When the device is removed unless it is seen before; `nil` for one that was seen, or never expires.
  public var expires: Timestamp?

  public init(
    name: DeviceName, id: DeviceID, port: TCPPort, user: LoginName, tags: [String: String], state: DeviceState,
    note: String? = nil, lastSeen: Timestamp? = nil, rtt_ms: Double? = nil, remoteAddress: String? = nil,
    agentVersion: String? = nil, bytesReceived: Int64? = nil, bytesSent: Int64? = nil, facts: [String: String] = [:],
    enrolled: Bool, provisioned: Timestamp, expires: Timestamp? = nil
  ) {
    self.name = name
    self.id = id
    self.port = port
    self.user = user
    self.tags = tags
    self.state = state
    self.note = note
    self.lastSeen = lastSeen
    self.rtt_ms = rtt_ms
    self.remoteAddress = remoteAddress
    self.agentVersion = agentVersion
    self.bytesReceived = bytesReceived
    self.bytesSent = bytesSent
    self.facts = facts
    self.enrolled = enrolled
    self.provisioned = provisioned
    self.expires = expires
  }

  public init(_ object: JSONObject) throws(JSONError) {
    do {
      name = try DeviceName(validating: try object.string("name"))
      user = try LoginName(validating: try object.string("user"))
    } catch {
      throw JSONError("'name' or 'user' is not a name")
    }
    guard let id = DeviceID(try object.string("id")) else { throw JSONError("'id' is not an identity") }
    self.id = id
    port = try object.port("port")
    tags = try object.stringMap("tags", count: Limits.tags, limit: Limits.text)
    state = DeviceState(rawValue: try object.string("state")) ?? .unknown
    note = try object.optionalString("note")
    lastSeen = try object.optionalString("last_seen").flatMap { Timestamp(parsing: $0) }
    rtt_ms = try object.optionalNumber("rtt_ms")
    remoteAddress = try object.optionalString("remote_address")
    agentVersion = try object.optionalString("agent_version", limit: Limits.text)
    bytesReceived = try object.optionalInteger("bytes_received", in: 0...Int64.max)
    bytesSent = try object.optionalInteger("bytes_sent", in: 0...Int64.max)
    facts = try object.stringMap("facts", count: Limits.facts, limit: Limits.text)
    enrolled = try object.flag("enrolled")
    guard let provisioned = Timestamp(parsing: try object.string("provisioned")) else {
      throw JSONError("'provisioned' is not a time")
    }
    self.provisioned = provisioned
    expires = try object.optionalString("expires").flatMap { Timestamp(parsing: $0) }
  }

  public var object: JSONObject {
    var object = JSONObject()
    forEachMember { object[$0] = $1 }
    return object
  }

  /// Appends the text of `object`, without making it.
  public func write(to bytes: inout [UInt8]) {
    var separator = UInt8(ascii: "{")
    forEachMember { name, value in
      bytes.append(separator)
      JSON.string(name).write(to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      value.write(to: &bytes)
      separator = UInt8(ascii: ",")
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private func forEachMember(_ body: (String, JSON) -> Void) {
    func number(_ value: Int64?) -> JSON { value.map { .integer($0) } ?? .null }
    body("name", .string(name.rawValue))
    body("id", .string(id.rawValue))
    body("port", .integer(Int64(port.rawValue)))
    body("state", .string(state.rawValue))
    body("note", JSON(note))
    body("last_seen", JSON(lastSeen?.description))
    body("rtt_ms", rtt_ms.map { .number($0) } ?? .null)
    body("user", .string(user.rawValue))
    body("tags", JSON(tags))
    body("agent_version", JSON(agentVersion))
    body("remote_address", JSON(remoteAddress))
    body("bytes_received", number(bytesReceived))
    body("bytes_sent", number(bytesSent))
    body("facts", JSON(facts))
    body("enrolled", .bool(enrolled))
    body("provisioned", .string(provisioned.description))
    body("expires", JSON(expires?.description))
  }
}
