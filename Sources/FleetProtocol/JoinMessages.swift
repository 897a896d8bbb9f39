/// The body of `join`: a box that has made its own key asks to become a device.
public struct JoinBody: Hashable, Sendable {
  /// The box's own key, of which the enroll key's holder knows nothing.
  public var key: PublicKey
  /// What the machine is: those of a claim, and `serial` and `mac` where it knows them.
  public var facts: [String: String]
  /// The keys of the box's own sshd.
  public var hostKeys: [PublicKey]

  public init(key: PublicKey, facts: [String: String], hostKeys: [PublicKey]) {
    self.key = key
    self.facts = facts
    self.hostKeys = hostKeys
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    do { key = try PublicKey(parsing: try object.string("key")) } catch { throw JSONError("'key' is not a public key") }
    facts = try object.stringMap("facts", count: Limits.facts, limit: Limits.text)
    hostKeys = try object.hostKeys("host_keys")
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "key": .string(key.description), "facts": JSON(facts),
      "host_keys": JSON(hostKeys.map(\.description)),
    ]).text
  }
}

/// The answer to `join`.
public enum JoinReply: Hashable, Sendable {
  /// Somebody has to approve the box, which waits under this name. It asks again after so many seconds.
  case pending(name: DeviceName, retry_s: Int)
  /// The box is a device: what its agent needs.
  case approved(device: DeviceID, name: DeviceName, port: TCPPort, host: HostAddress)

  public init(_ fields: JSONObject) throws(JSONError) {
    let name: DeviceName
    do { name = try DeviceName(validating: try fields.string("name")) } catch {
      throw JSONError("'name' is not a name")
    }
    switch try fields.string("state") {
    case "pending": self = .pending(name: name, retry_s: Int(try fields.integer("retry_s", in: 1...86_400)))
    case "approved":
      guard let device = DeviceID(try fields.string("device")) else { throw JSONError("'device' is not an identity") }
      self = .approved(
        device: device, name: name, port: try fields.port("port"), host: try HostAddress(try fields.object("host")))
    default: throw JSONError("'state' must be 'pending' or 'approved'")
    }
  }

  public var fields: JSONObject {
    switch self {
    case .pending(let name, let retry_s):
      ["state": .string("pending"), "name": .string(name.rawValue), "retry_s": .integer(Int64(retry_s))]
    case .approved(let device, let name, let port, let host):
      [
        "state": .string("approved"), "name": .string(name.rawValue), "device": .string(device.rawValue),
        "port": .integer(Int64(port.rawValue)), "host": .object(host.object),
      ]
    }
  }
}

/// A box that waits for approval, as `pending` lists it.
public struct PendingBox: Hashable, Sendable {
  public var name: DeviceName
  public var key: PublicKey
  public var facts: [String: String]
  public var hostKeys: [PublicKey]
  public var remoteAddress: String?
  /// When it asked first.
  public var asked: Timestamp
  public var enrollKey: EnrollKeyID

  public init(
    name: DeviceName, key: PublicKey, facts: [String: String], hostKeys: [PublicKey], remoteAddress: String?,
    asked: Timestamp, enrollKey: EnrollKeyID
  ) {
    self.name = name
    self.key = key
    self.facts = facts
    self.hostKeys = hostKeys
    self.remoteAddress = remoteAddress
    self.asked = asked
    self.enrollKey = enrollKey
  }

  public init(_ object: JSONObject) throws(JSONError) {
    do {
      name = try DeviceName(validating: try object.string("name"))
      key = try PublicKey(parsing: try object.string("key"))
      enrollKey = try EnrollKeyID(validating: try object.string("enroll_key"))
    } catch {
      throw JSONError("'name', 'key' or 'enroll_key' is not understood")
    }
    facts = try object.stringMap("facts", count: Limits.facts, limit: Limits.text)
    hostKeys = try object.hostKeys("host_keys")
    remoteAddress = try object.optionalString("remote_address")
    guard let asked = Timestamp(parsing: try object.string("asked")) else { throw JSONError("'asked' is not a time") }
    self.asked = asked
  }

  public var object: JSONObject {
    [
      "name": .string(name.rawValue), "key": .string(key.description), "facts": JSON(facts),
      "host_keys": JSON(hostKeys.map(\.description)), "remote_address": JSON(remoteAddress),
      "asked": .string(asked.description), "enroll_key": .string(enrollKey.rawValue),
    ]
  }
}

/// The body of `approve NAME`: what is changed of what the enroll key says.
public struct ApproveBody: Hashable, Sendable {
  /// The name that the device gets; `nil` keeps the one under which it waits.
  public var name: DeviceName?
  public var user: LoginName?
  public var tags: [String: String]

  public init(name: DeviceName? = nil, user: LoginName? = nil, tags: [String: String] = [:]) {
    self.name = name
    self.user = user
    self.tags = tags
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    do {
      name = try object.optionalString("name").map { try DeviceName(validating: $0) }
      user = try object.optionalString("user").map { try LoginName(validating: $0) }
    } catch {
      throw JSONError("'name' or 'user' is not a name")
    }
    tags = try object.tags("tags")
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "name": JSON(name?.rawValue), "user": JSON(user?.rawValue), "tags": JSON(tags),
    ]).text
  }
}
