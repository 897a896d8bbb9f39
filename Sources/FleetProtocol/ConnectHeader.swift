/// What `connect` says before the first byte of the device's own SSH session.
public struct ConnectHeader: Hashable, Sendable {
  public var name: DeviceName
  /// The account to log in as when the operator names none.
  public var user: LoginName
  /// The keys that the device's sshd must show. Never empty.
  public var hostKeys: [PublicKey]
  /// When and by whom these keys were recorded: an operator, or `device` for the first contact.
  public var enrolled: Timestamp?
  public var enrolledBy: String?

  public init(
    name: DeviceName, user: LoginName, hostKeys: [PublicKey], enrolled: Timestamp? = nil, enrolledBy: String? = nil
  ) {
    self.name = name
    self.user = user
    self.hostKeys = hostKeys
    self.enrolled = enrolled
    self.enrolledBy = enrolledBy
  }

  public init(_ fields: JSONObject) throws(JSONError) {
    do {
      name = try DeviceName(validating: try fields.string("name"))
      user = try LoginName(validating: try fields.string("user"))
    } catch {
      throw JSONError("'name' or 'user' is not a name")
    }
    hostKeys = try fields.hostKeys("host_keys")
    guard !hostKeys.isEmpty else { throw JSONError("'host_keys' must name at least one key") }
    enrolled = try fields.optionalString("enrolled").flatMap { Timestamp(parsing: $0) }
    enrolledBy = try fields.optionalString("enrolled_by", limit: Limits.text)
  }

  public var fields: JSONObject {
    [
      "name": .string(name.rawValue), "user": .string(user.rawValue),
      "host_keys": JSON(hostKeys.map(\.description)), "enrolled": JSON(enrolled?.description),
      "enrolled_by": JSON(enrolledBy),
    ]
  }
}
