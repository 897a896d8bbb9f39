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
