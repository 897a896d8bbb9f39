/// The body of `tag NAME`.
public struct TagBody: Hashable, Sendable {
  public var set: [String: String]
  /// Keys to remove. A key that is not there is passed over.
  public var remove: [String]

  public init(set: [String: String], remove: [String]) {
    self.set = set
    self.remove = remove
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    set = try object.tags("set")
    remove = try object.strings("remove", count: Limits.tags, limit: Limits.tagKey)
  }

  public var line: String {
    JSON.object(["v": .integer(Reply.version), "set": JSON(set), "remove": JSON(remove)]).text
  }
}

/// The answer to `remove`: what has become of the device's port and its connection.
public struct RemoveReply: Hashable, Sendable {
  public var port: TCPPort
  /// Whether a connection of the device was up and was ended.
  public var ended: Bool

  public init(port: TCPPort, ended: Bool) {
    self.port = port
    self.ended = ended
  }

  public init(_ fields: JSONObject) throws(JSONError) {
    port = try fields.port("port")
    ended = try fields.flag("ended")
  }

  public var fields: JSONObject { ["port": .integer(Int64(port.rawValue)), "ended": .bool(ended)] }
}

/// The body of `rotate-key`: the key that the device has made to replace its own.
public struct RotateKeyBody: Hashable, Sendable {
  public var key: PublicKey

  public init(key: PublicKey) { self.key = key }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    do { key = try PublicKey(parsing: try object.string("key")) } catch { throw JSONError("'key' is not a public key") }
  }

  public var line: String { JSON.object(["v": .integer(Reply.version), "key": .string(key.description)]).text }
}

/// The answer to `rotate-key`: how far the replacement has come.
public struct RotateKeyReply: Hashable, Sendable {
  public enum State: String, Sendable {
    /// Both keys open HostA. The new one replaces the old one when the device asks again with it.
    case pending
    /// The key is the device's only one.
    case current
  }

  public var state: State

  public init(state: State) { self.state = state }

  public init(_ fields: JSONObject) throws(JSONError) {
    guard let state = State(rawValue: try fields.string("state")) else {
      throw JSONError("'state' must be 'pending' or 'current'")
    }
    self.state = state
  }

  public var fields: JSONObject { ["state": .string(state.rawValue)] }
}
