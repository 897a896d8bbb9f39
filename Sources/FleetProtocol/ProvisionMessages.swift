/// The body of `provision NAME` and `replace NAME`: the device of this name holds this key.
public struct ProvisionBody: Hashable, Sendable {
  public var key: PublicKey
  /// The account that `fleet ssh` logs in as on the device.
  public var user: LoginName
  public var tags: [String: String]
  /// Whether the device's host keys are taken from its first claim, because nobody could read them beforehand.
  public var hostKeysFromFirstClaim: Bool
  /// Whether the device replaces the key at its first contact, because the key travels in a bundle or an image.
  public var replacesKey: Bool
  /// Seconds from now after which a device that was never seen is removed; `nil` for never.
  public var expires_s: Int64?

  /// The longest `expires_s`: ten years.
  public static let longestExpiry_s: Int64 = 10 * 366 * 86_400

  public init(
    key: PublicKey, user: LoginName, tags: [String: String], hostKeysFromFirstClaim: Bool, replacesKey: Bool = false,
    expires_s: Int64? = nil
  ) {
    self.key = key
    self.user = user
    self.tags = tags
    self.hostKeysFromFirstClaim = hostKeysFromFirstClaim
    self.replacesKey = replacesKey
    self.expires_s = expires_s
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    try self.init(try JSONObject(parsingBody: line))
  }

  init(_ object: JSONObject) throws(JSONError) {
    do {
      key = try PublicKey(parsing: try object.string("key"))
      user = try LoginName(validating: try object.string("user"))
    } catch let refusal as Refusal {
      throw JSONError(refusal.message)
    } catch let error as JSONError {
      throw error
    } catch {
      throw JSONError("not understood")
    }
    tags = try object.tags("tags")
    hostKeysFromFirstClaim = try object.flag("host_keys_from_first_claim")
    replacesKey = try object.flag("replaces_key")
    expires_s = try object.optionalInteger("expires_s", in: 1...Self.longestExpiry_s)
  }

  var object: JSONObject {
    var object: JSONObject = [
      "v": .integer(Reply.version), "key": .string(key.description), "user": .string(user.rawValue),
      "tags": JSON(tags), "host_keys_from_first_claim": .bool(hostKeysFromFirstClaim),
      "replaces_key": .bool(replacesKey),
    ]
    if let expires_s { object["expires_s"] = .integer(expires_s) }
    return object
  }

  public var line: String { JSON.object(object).text }
}

/// One line of the body of `provision-many`.
public struct NamedProvisionBody: Hashable, Sendable {
  public var name: DeviceName
  public var body: ProvisionBody

  public init(name: DeviceName, body: ProvisionBody) {
    self.name = name
    self.body = body
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    do { name = try DeviceName(validating: try object.string("name")) } catch {
      throw JSONError("'name' is not a device name")
    }
    body = try ProvisionBody(object)
  }

  public var line: String {
    var object = body.object
    object["name"] = .string(name.rawValue)
    return JSON.object(object).text
  }
}

/// The answer to `provision`: the lease, and what the device's agent needs to find HostA.
public struct ProvisionReply: Hashable, Sendable {
  public var device: DeviceID
  public var port: TCPPort
  /// `false` when the same key held this lease already.
  public var created: Bool
  /// Where the device finds HostA and what to expect there.
  public var host: HostAddress

  public init(device: DeviceID, port: TCPPort, created: Bool, host: HostAddress) {
    self.device = device
    self.port = port
    self.created = created
    self.host = host
  }

  public init(_ fields: JSONObject) throws(JSONError) {
    guard let device = DeviceID(try fields.string("device")) else { throw JSONError("'device' is not an identity") }
    self.device = device
    port = try fields.port("port")
    created = try fields.flag("created")
    host = try HostAddress(try fields.object("host"))
  }

  public var fields: JSONObject {
    [
      "device": .string(device.rawValue), "port": .integer(Int64(port.rawValue)), "created": .bool(created),
      "host": .object(host.object),
    ]
  }
}

/// The body of `enroll NAME`: the keys of the device's own sshd, read by someone who could see it.
public struct EnrollBody: Hashable, Sendable {
  public var hostKeys: [PublicKey]

  public init(hostKeys: [PublicKey]) { self.hostKeys = hostKeys }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    hostKeys = try object.hostKeys("host_keys")
    guard !hostKeys.isEmpty else { throw JSONError("'host_keys' must name at least one key") }
  }

  public var line: String {
    JSON.object(["v": .integer(Reply.version), "host_keys": JSON(hostKeys.map(\.description))]).text
  }
}
