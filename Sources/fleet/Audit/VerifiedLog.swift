import FleetProtocol

/// What a laptop remembers of a HostA's log.
struct VerifiedLog: Hashable {
  /// Behind which entry the chain is followed: the beginning, unless somebody accepted what stands before.
  var start: AuditHead
  /// How far it was followed.
  var head: AuditHead
  /// When, by the laptop's clock.
  var at: Timestamp

  init(start: AuditHead, head: AuditHead, at: Timestamp) {
    self.start = start
    self.head = head
    self.at = at
  }

  init(parsing text: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: text)
    start = try AuditHead(try object.object("start"))
    head = try AuditHead(try object.object("head"))
    guard let at = Timestamp(parsing: try object.string("at")) else { throw JSONError("'at' is not a time") }
    self.at = at
  }

  var text: String {
    JSON.object([
      "v": .integer(Reply.version), "start": .object(start.object), "head": .object(head.object),
      "at": .string(at.description),
    ]).text + "\n"
  }
}

extension AuditHead {
  fileprivate init(_ object: JSONObject) throws(JSONError) {
    self.init(number: try object.integer("n", in: 0...(Int64.max - 1)), hash: try object.string("hash", limit: 64))
  }

  fileprivate var object: JSONObject { ["n": .integer(number), "hash": .string(hash)] }
}
