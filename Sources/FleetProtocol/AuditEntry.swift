/// One entry of the audit as it is chained: its text is the same wherever it is written.
public struct AuditEntry: Hashable, Sendable {
  /// Counts from 1 without a gap.
  public var number: Int64
  public var at: Timestamp
  /// An operator, `device`, or `host`.
  public var actor: String
  /// Such as `connect`, `provision` or `remove`.
  public var action: String
  /// The device's identity; `nil` for what concerns none.
  public var device: String?
  /// What the device was called then.
  public var name: String?
  public var remoteAddress: String?
  /// Of a `disconnect`: the number of the entry with which the connection began.
  public var connection: Int64?
  public var duration_s: Int64?
  public var bytesToDevice: Int64?
  public var bytesFromDevice: Int64?
  public var detail: String?

  public init(
    number: Int64, at: Timestamp, actor: String, action: String, device: String? = nil, name: String? = nil,
    remoteAddress: String? = nil, connection: Int64? = nil, duration_s: Int64? = nil, bytesToDevice: Int64? = nil,
    bytesFromDevice: Int64? = nil, detail: String? = nil
  ) {
    self.number = number
    self.at = at
    self.actor = actor
    self.action = action
    self.device = device
    self.name = name
    self.remoteAddress = remoteAddress
    self.connection = connection
    self.duration_s = duration_s
    self.bytesToDevice = bytesToDevice
    self.bytesFromDevice = bytesFromDevice
    self.detail = detail
  }

  /// Parses a line or a text; its hash is not looked at.
  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    guard case .object(let object) = try JSON(parsing: line, limit: Limits.auditLine) else {
      throw JSONError("an entry is not an object")
    }
    number = try object.integer("n", in: 1...Int64.max)
    guard let at = Timestamp(parsing: try object.string("at")) else { throw JSONError("'at' is not a time") }
    self.at = at
    actor = try object.string("actor", limit: Limits.auditLine)
    action = try object.string("action", limit: Limits.auditLine)
    device = try object.optionalString("device", limit: Limits.auditLine)
    name = try object.optionalString("name", limit: Limits.auditLine)
    remoteAddress = try object.optionalString("remote_address", limit: Limits.auditLine)
    connection = try object.optionalInteger("connection", in: Int64.min...Int64.max)
    duration_s = try object.optionalInteger("duration_s", in: Int64.min...Int64.max)
    bytesToDevice = try object.optionalInteger("bytes_to_device", in: Int64.min...Int64.max)
    bytesFromDevice = try object.optionalInteger("bytes_from_device", in: Int64.min...Int64.max)
    detail = try object.optionalString("detail", limit: Limits.auditLine)
  }

  /// What is hashed: one line of JSON, in which what says nothing is left out.
  public var text: [UInt8] {
    var members: [(name: String, value: JSON)] = [
      ("n", .integer(number)), ("at", .string(at.description)), ("actor", .string(actor)), ("action", .string(action)),
    ]
    func add(_ name: String, _ value: String?) { if let value { members.append((name, .string(value))) } }
    func add(_ name: String, _ value: Int64?) { if let value { members.append((name, .integer(value))) } }
    add("device", device)
    add("name", name)
    add("remote_address", remoteAddress)
    add("connection", connection)
    add("duration_s", duration_s)
    add("bytes_to_device", bytesToDevice)
    add("bytes_from_device", bytesFromDevice)
    add("detail", detail)
    var text: [UInt8] = []
    JSON.object(JSONObject(distinct: members)).write(to: &text)
    return text
  }
}
