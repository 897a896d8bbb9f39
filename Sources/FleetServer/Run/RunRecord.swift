import FleetProtocol

/// `run.json`: what a `run` started, so that the next one can end it if this one is killed.
struct RunRecord: Hashable {
  /// The private sshd's listening process.
  var listener: ProcessIdentity

  init(listener: ProcessIdentity) { self.listener = listener }

  init(parsing text: some Collection<UInt8>) throws(JSONError) {
    listener = try ProcessIdentity(try JSONObject(parsingBody: text).object("listener"))
  }

  var text: String { JSON.object(["v": .integer(1), "listener": .object(listener.object)]).text + "\n" }

  static func read(_ home: Home) -> RunRecord? {
    guard let text = try? BootFile(home.runRecord, home: home).bytes(limit: Limits.line) else { return nil }
    return try? RunRecord(parsing: text)
  }

  func write(_ home: Home) throws(Refusal) {
    try BootFile(home.runRecord, home: home).write(text)
  }
}
