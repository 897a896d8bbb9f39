/// The body of `enroll-key-create`: what the boxes that hold this key may become.
public struct EnrollKeyBody: Hashable, Sendable {
  public var key: PublicKey
  /// How a box is called.
  public var pattern: NamePattern
  /// The account that `fleet ssh` logs in as on the boxes.
  public var user: LoginName
  public var tags: [String: String]
  /// How many boxes may join with it.
  public var uses: Int64
  /// Seconds from now after which no box may join any more.
  public var expires_s: Int64
  /// Whether a box gets its port at once, without anybody's approval.
  public var autoApprove: Bool

  public init(
    key: PublicKey, pattern: NamePattern, user: LoginName, tags: [String: String], uses: Int64, expires_s: Int64,
    autoApprove: Bool
  ) {
    self.key = key
    self.pattern = pattern
    self.user = user
    self.tags = tags
    self.uses = uses
    self.expires_s = expires_s
    self.autoApprove = autoApprove
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    do {
      key = try PublicKey(parsing: try object.string("key"))
      pattern = try NamePattern(validating: try object.string("pattern", limit: Limits.text))
      user = try LoginName(validating: try object.string("user"))
    } catch let refusal as Refusal {
      throw JSONError(refusal.message)
    } catch let error as JSONError {
      throw error
    } catch {
      throw JSONError("not understood")
    }
    tags = try object.tags("tags")
    uses = try object.integer("uses", in: 1...Limits.enrollKeyUses)
    expires_s = try object.integer("expires_s", in: 1...ProvisionBody.longestExpiry_s)
    autoApprove = try object.flag("auto_approve")
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "key": .string(key.description), "pattern": .string(pattern.text),
      "user": .string(user.rawValue), "tags": JSON(tags), "uses": .integer(uses), "expires_s": .integer(expires_s),
      "auto_approve": .bool(autoApprove),
    ]).text
  }
}

/// An enroll key as `enroll-keys` lists it.
public struct EnrollKeyStatus: Hashable, Sendable {
  public var id: EnrollKeyID
  public var pattern: NamePattern
  public var user: LoginName
  public var uses: Int64
  /// How many boxes have joined with it.
  public var used: Int64
  public var expires: Timestamp
  public var autoApprove: Bool
  public var createdBy: String

  public init(
    id: EnrollKeyID, pattern: NamePattern, user: LoginName, uses: Int64, used: Int64, expires: Timestamp,
    autoApprove: Bool, createdBy: String
  ) {
    self.id = id
    self.pattern = pattern
    self.user = user
    self.uses = uses
    self.used = used
    self.expires = expires
    self.autoApprove = autoApprove
    self.createdBy = createdBy
  }

  public init(_ object: JSONObject) throws(JSONError) {
    do {
      id = try EnrollKeyID(validating: try object.string("id"))
      pattern = try NamePattern(validating: try object.string("pattern"))
      user = try LoginName(validating: try object.string("user"))
    } catch {
      throw JSONError("'id', 'pattern' or 'user' is not understood")
    }
    uses = try object.integer("uses", in: 0...Int64.max)
    used = try object.integer("used", in: 0...Int64.max)
    guard let expires = Timestamp(parsing: try object.string("expires")) else {
      throw JSONError("'expires' is not a time")
    }
    self.expires = expires
    autoApprove = try object.flag("auto_approve")
    createdBy = try object.string("created_by", limit: Limits.text)
  }

  public var object: JSONObject {
    [
      "id": .string(id.rawValue), "pattern": .string(pattern.text), "user": .string(user.rawValue),
      "uses": .integer(uses), "used": .integer(used), "expires": .string(expires.description),
      "auto_approve": .bool(autoApprove), "created_by": .string(createdBy),
    ]
  }
}
