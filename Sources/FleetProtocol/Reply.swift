/// The first line of every reply: done, with what was asked for, or refused, with the reason.
public enum Reply: Hashable, Sendable {
  case ok(JSONObject)
  case refused(Refusal)

  /// The version of the protocol that this program speaks.
  public static let version: Int64 = 1

  /// Parses the header line, without its newline. Throws what is wrong with it.
  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    guard case .object(var object) = try JSON(parsing: line) else { throw JSONError("not an object") }
    _ = try object.integer("v", in: Self.version...Self.version)
    guard case .bool(let ok)? = object["ok"] else { throw JSONError("'ok' must be true or false") }
    if ok {
      object["v"] = nil
      object["ok"] = nil
      self = .ok(object)
    } else {
      let code = try object.string("code", limit: Limits.text)
      let message = DisplayText.escaped(try object.string("message"), limit: 1000)
      let hint = try object.optionalString("hint").map { DisplayText.escaped($0, limit: 1000) }
      self = .refused(Refusal(Refusal.Code(rawValue: code) ?? .requestRefused, message, hint: hint))
    }
  }

  /// The header line, without its newline.
  public var line: String {
    var header: JSONObject = ["v": .integer(Self.version)]
    switch self {
    case .ok(let fields):
      header["ok"] = .bool(true)
      for member in fields.members { header[member.name] = member.value }
    case .refused(let refusal):
      header["ok"] = .bool(false)
      header["code"] = .string(refusal.code.rawValue)
      header["message"] = .string(refusal.message)
      if let hint = refusal.hint { header["hint"] = .string(hint) }
    }
    return JSON.object(header).text
  }
}
