/// A time during which a device had no tunnel.
public struct Outage: Hashable, Sendable {
  /// When something last came from the device.
  public var from: Timestamp
  /// When it was back, `nil` while it is not.
  public var to: Timestamp?

  public init(from: Timestamp, to: Timestamp?) {
    self.from = from
    self.to = to
  }

  /// Throws unless the object is an outage.
  public init(_ object: JSONObject) throws(JSONError) {
    guard let from = Timestamp(parsing: try object.string("from")) else { throw JSONError("'from' is not a time") }
    self.from = from
    to = try object.optionalString("to").flatMap { Timestamp(parsing: $0) }
  }

  /// How long it took, in seconds; `nil` while it goes on.
  public var length_s: Int64? { to.map { max(0, $0.seconds - from.seconds) } }

  public var object: JSONObject {
    [
      "from": .string(from.description), "to": JSON(to?.description),
      "length_s": length_s.map { .integer($0) } ?? .null,
    ]
  }
}

/// The answer to `show`: the device, and its last outages.
public struct ShowReply: Hashable, Sendable {
  /// How many outages are told.
  public static let outageLimit = 10

  public var device: DeviceStatus
  /// The latest first, at most `outageLimit`.
  public var outages: [Outage]

  public init(device: DeviceStatus, outages: [Outage]) {
    self.device = device
    self.outages = outages
  }

  /// Throws unless the fields are such an answer; a HostA that tells no outages is understood.
  public init(_ fields: JSONObject) throws(JSONError) {
    device = try DeviceStatus(try fields.object("device"))
    outages = try fields.objects("outages", count: Self.outageLimit).map { (object) throws(JSONError) in
      try Outage(object)
    }
  }

  public var fields: JSONObject { ["device": .object(device.object), "outages": outagesJSON] }

  /// The device's own object with its outages, the form that scripts rely on.
  public var object: JSONObject {
    var object = device.object
    object["outages"] = outagesJSON
    return object
  }

  private var outagesJSON: JSON { .array(outages.map { .object($0.object) }) }
}
