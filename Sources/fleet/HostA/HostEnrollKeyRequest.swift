import FleetProtocol

extension HostRequest {
  func createEnrollKey(_ body: EnrollKeyBody) throws(Refusal) -> (id: EnrollKeyID, host: HostAddress) {
    let fields = try answer(to: .createEnrollKey, body: body.line).fields
    return try parse { () throws(JSONError) in
      let text = try fields.string("id")
      guard let id = try? EnrollKeyID(validating: text) else { throw JSONError("'id' is not an enroll key's") }
      return (id, try HostAddress(try fields.object("host")))
    }
  }

  func enrollKeys() throws(Refusal) -> [EnrollKeyStatus] {
    let answer = try answer(to: .enrollKeys)
    return try parse { () throws(JSONError) in
      guard try answer.fields.integer("count", in: 0...1_000_000) == answer.lines.count else {
        throw JSONError("it ends in the middle of the list")
      }
      var keys: [EnrollKeyStatus] = []
      for line in answer.lines {
        guard case .object(let object) = try JSON(parsing: line) else { throw JSONError("a key is not an object") }
        keys.append(try EnrollKeyStatus(object))
      }
      return keys
    }
  }

  func removeEnrollKey(_ id: EnrollKeyID) throws(Refusal) { _ = try answer(to: .removeEnrollKey(id)) }
}
