import FleetProtocol

extension HostRequest {
  /// What became of one device of many.
  typealias ManyReply = Result<(device: DeviceID, port: TCPPort), Refusal>

  /// Provisions many devices in one request; the replies stand in the order of the devices.
  func provisionMany(_ bodies: [NamedProvisionBody]) throws(Refusal) -> (host: HostAddress, replies: [ManyReply]) {
    let lines = [JSON.object(["v": .integer(Reply.version), "count": .integer(Int64(bodies.count))]).text]
    let answer = try answer(to: .provisionMany, body: (lines + bodies.map(\.line)).joined(separator: "\n"))
    return try parse { () throws(JSONError) in
      let host = try HostAddress(try answer.fields.object("host"))
      guard answer.lines.count == bodies.count else { throw JSONError("it ends in the middle of the replies") }
      var replies: [ManyReply] = []
      for line in answer.lines {
        switch try Reply(parsing: line) {
        case .refused(let refusal): replies.append(.failure(refusal))
        case .ok(let fields):
          guard let device = DeviceID(try fields.string("device")) else {
            throw JSONError("'device' is not an identity")
          }
          replies.append(.success((device, try fields.port("port"))))
        }
      }
      return (host, replies)
    }
  }
}
