/// The body of `provision NAME`: lease a port to the device that holds this key.
public struct ProvisionBody: Hashable, Sendable {
  public var key: PublicKey
  /// The account that `fleet ssh` logs in as on the device.
  public var user: LoginName
  public var tags: [String: String]
  /// Whether the device's host keys are taken from its first claim, because nobody could read them beforehand.
  public var hostKeysFromFirstClaim: Bool

  public init(key: PublicKey, user: LoginName, tags: [String: String], hostKeysFromFirstClaim: Bool) {
    self.key = key
    self.user = user
    self.tags = tags
    self.hostKeysFromFirstClaim = hostKeysFromFirstClaim
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
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
    tags = try object.stringMap("tags", count: Limits.tags, limit: Limits.text)
    hostKeysFromFirstClaim = try object.flag("host_keys_from_first_claim")
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "key": .string(key.description), "user": .string(user.rawValue),
      "tags": JSON(tags), "host_keys_from_first_claim": .bool(hostKeysFromFirstClaim),
    ]).text
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

/// How HostA is reached and recognised: account, ways in, and the keys that its sshd must show.
public struct HostAddress: Hashable, Sendable {
  /// One way in. Tried in the order of the list.
  public struct Endpoint: Hashable, Sendable {
    /// A DNS name or an address without brackets.
    public var address: String
    public var port: TCPPort

    public init(address: String, port: TCPPort) {
      self.address = address
      self.port = port
    }
  }

  public var account: LoginName
  public var endpoints: [Endpoint]
  public var hostKeys: [PublicKey]

  public init(account: LoginName, endpoints: [Endpoint], hostKeys: [PublicKey]) {
    self.account = account
    self.endpoints = endpoints
    self.hostKeys = hostKeys
  }

  public init(_ object: JSONObject) throws(JSONError) {
    do { account = try LoginName(validating: try object.string("account")) } catch {
      throw JSONError("'account' is not a login name")
    }
    guard case .array(let list)? = object["endpoints"], !list.isEmpty, list.count <= 8 else {
      throw JSONError("'endpoints' must hold 1 to 8 objects")
    }
    endpoints = []
    for element in list {
      guard case .object(let endpoint) = element else { throw JSONError("'endpoints' must hold objects") }
      let address = try endpoint.string("address", limit: Limits.text)
      guard Self.isAddress(address) else { throw JSONError("'address' is not a host name or an address") }
      endpoints.append(Endpoint(address: address, port: try endpoint.port("port")))
    }
    hostKeys = try object.hostKeys("host_keys")
    guard !hostKeys.isEmpty else { throw JSONError("'host_keys' must name at least one key") }
  }

  public var object: JSONObject {
    [
      "account": .string(account.rawValue),
      "endpoints": .array(
        endpoints.map {
          .object(["address": .string($0.address), "port": .integer(Int64($0.port.rawValue))])
        }),
      "host_keys": JSON(hostKeys.map(\.description)),
    ]
  }

  /// Whether the text can be a host name, an IPv4 or an IPv6 address: it never begins with '-', and nothing in
  /// it means anything to ssh's configuration or a shell.
  public static func isAddress(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 253, first != UInt8(ascii: "-") else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}
