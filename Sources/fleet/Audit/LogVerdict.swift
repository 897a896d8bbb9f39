import FleetProtocol

/// What came out when the log was verified, for a person and for a script.
struct LogVerdict: Hashable {
  /// What this laptop remembered, if it did.
  var before: VerifiedLog?
  /// Only what came since then was looked at.
  var isOfNew = false
  /// How many entries were followed, and the times of the first and the last.
  var count: Int64 = 0
  var from: Timestamp?
  var to: Timestamp?
  /// Where the chain has come to.
  var last: Int64 = 0
  /// The last entry in HostA's files.
  var rotated: Int64 = 0
  var fault: AuditFault?
  /// Somebody wants the log to count as it is.
  var isAccepted = false

  /// For a person; empty where something is wrong, which the refusal tells.
  var text: String {
    guard refusal == nil else { return "" }
    let accepted = sentence.map { "accepted that \($0)\n" } ?? ""
    let (new, verb) = (isOfNew ? "new " : "", count == 1 ? "entry" : "entries")
    let what =
      if count > 0, let from, let to {
        "\(count) \(new)\(verb) from \(from) to \(to), unbroken"
      } else {
        "no \(new)entry"
      }
    let looked = before.map { "this laptop looked last at \($0.at), up to entry \($0.head.number)" }
    return "\(accepted)✓ \(what); \(looked ?? "this laptop looks for the first time")\n"
  }

  /// One line of JSON.
  var json: String {
    var object: JSONObject = [
      "v": .integer(Reply.version), "ok": .bool(refusal == nil), "entries": .integer(count), "last": .integer(last),
      "from": JSON(from?.description), "to": JSON(to?.description), "rotated": .integer(rotated),
      "looked": JSON(before?.at.description), "looked_up_to": before.map { .integer($0.head.number) } ?? .null,
    ]
    if let fault, let sentence {
      object["fault"] = .string(fault.word)
      object["entry"] = .integer(fault.number)
      object["message"] = .string(sentence)
    }
    return JSON.object(object).text + "\n"
  }

  /// `audit-broken`, if something is wrong that nobody has accepted.
  var refusal: Refusal? {
    guard let fault, let sentence, !isAccepted else { return nil }
    let reason =
      switch fault {
      case .shortened, .rewritten: "a restored backup of HostA is one reason, somebody who covers tracks another"
      case .unreadable, .changed, .missing, .misplaced: "somebody wrote to HostA's files, or one was lost"
      }
    return Refusal(
      .auditBroken, "the log is broken: \(sentence)",
      hint: "\(reason); when you know, 'fleet log --verify --accept' takes it as it is")
  }

  private var sentence: String? { fault?.sentence(rotated: rotated, looked: before?.at) }
}
