/// What one machine accepts from another, in bytes unless the name says otherwise.
public enum Limits {
  /// The whole of SSH_ORIGINAL_COMMAND.
  public static let request = 1024
  /// Words in a request.
  public static let requestWords = 8
  /// One line of JSON, its newline included, in a request's body or a reply.
  public static let line = 32 * 1024
  /// One line of the audit.
  public static let auditLine = 1 << 20
  /// How deep JSON may nest.
  public static let jsonDepth = 8
  /// Host keys that one machine may have.
  public static let hostKeys = 8
  /// The base64 text of one public key: an RSA key of 16384 bits takes 2,740.
  public static let publicKey = 4096
  /// Tags of a device.
  public static let tags = 32
  /// A tag's key.
  public static let tagKey = 63
  /// A tag's value, and one fact that an agent reports of its machine.
  public static let text = 255
  /// Facts that an agent may report.
  public static let facts = 16
  /// Devices in one `provision-many`.
  public static let provisionMany = 1000
  /// Boxes that one enroll key may bring.
  public static let enrollKeyUses: Int64 = 100_000
}
