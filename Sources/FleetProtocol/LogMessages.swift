/// The body of `log`: which part of the audit is asked for.
public struct LogBody: Hashable, Sendable {
  /// `nil` for every device.
  public var device: DeviceName?
  /// `nil` from the beginning.
  public var since: Timestamp?
  /// The latest so many entries, 1 to `mostEntries`.
  public var limit: Int

  public static let mostEntries = 10_000

  public init(device: DeviceName?, since: Timestamp?, limit: Int) {
    self.device = device
    self.since = since
    self.limit = limit
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    device = try object.optionalString("device").map { (text) throws(JSONError) in
      do { return try DeviceName(validating: text) } catch { throw JSONError("'device' is not a device name") }
    }
    since = try object.optionalString("since").map { (text) throws(JSONError) in
      guard let time = Timestamp(parsing: text) else { throw JSONError("'since' is not a time") }
      return time
    }
    limit = Int(try object.integer("limit", in: 1...Int64(Self.mostEntries)))
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "device": JSON(device?.rawValue), "since": JSON(since?.description),
      "limit": .integer(Int64(limit)),
    ]).text
  }
}

/// Something that somebody did, as `log` tells it. A connection is one entry, also after it has ended.
public struct LogEntry: Hashable, Sendable {
  public var at: Timestamp
  /// An operator, `device`, or `host`.
  public var actor: String
  /// Such as `connect`, `provision` or `remove`.
  public var action: String
  /// What the device was called then; `nil` for what concerns none.
  public var device: String?
  public var remoteAddress: String?
  /// For a connection that has ended: how long it was, and what it carried.
  public var duration_s: Int64?
  public var bytesToDevice: Int64?
  public var bytesFromDevice: Int64?
  public var detail: String?

  public init(
    at: Timestamp, actor: String, action: String, device: String? = nil, remoteAddress: String? = nil,
    duration_s: Int64? = nil, bytesToDevice: Int64? = nil, bytesFromDevice: Int64? = nil, detail: String? = nil
  ) {
    self.at = at
    self.actor = actor
    self.action = action
    self.device = device
    self.remoteAddress = remoteAddress
    self.duration_s = duration_s
    self.bytesToDevice = bytesToDevice
    self.bytesFromDevice = bytesFromDevice
    self.detail = detail
  }

  public init(_ object: JSONObject) throws(JSONError) {
    guard let at = Timestamp(parsing: try object.string("at")) else { throw JSONError("'at' is not a time") }
    self.at = at
    actor = try object.string("actor", limit: Limits.text)
    action = try object.string("action", limit: Limits.text)
    device = try object.optionalString("device", limit: Limits.text)
    remoteAddress = try object.optionalString("remote_address", limit: Limits.text)
    duration_s = try object.optionalInteger("duration_s", in: 0...Int64.max)
    bytesToDevice = try object.optionalInteger("bytes_to_device", in: 0...Int64.max)
    bytesFromDevice = try object.optionalInteger("bytes_from_device", in: 0...Int64.max)
    detail = try object.optionalString("detail", limit: 4096)
  }

  public var object: JSONObject {
    func number(_ value: Int64?) -> JSON { value.map { .integer($0) } ?? .null }
    return [
      "at": .string(at.description), "actor": .string(actor), "action": .string(action), "device": JSON(device),
      "remote_address": JSON(remoteAddress), "duration_s": number(duration_s),
      "bytes_to_device": number(bytesToDevice), "bytes_from_device": number(bytesFromDevice), "detail": JSON(detail),
    ]
  }
}
