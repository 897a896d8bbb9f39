import FleetProtocol

/// What is true of a device only while its connection lives: written by `claim`, one file a device.
struct SessionRecord: Hashable {
  /// The sshd process that carries the connection, and so owns the listener.
  var sshd: ProcessIdentity
  var connection: SSHConnection
  var claimed_s: Int64
  /// When something last came on the connection that this claim ended; `nil` where it ended none.
  var predecessorSeen_s: Int64?
  var claim: ClaimBody
  /// The last report about the device's own sshd, `nil` before the first.
  var deviceSSHD: ReportBody.DeviceSSHD?
  /// Who has claimed the device lately.
  var history: ClaimHistory

  init(
    sshd: ProcessIdentity, connection: SSHConnection, claimed_s: Int64, predecessorSeen_s: Int64? = nil,
    claim: ClaimBody, deviceSSHD: ReportBody.DeviceSSHD? = nil, history: ClaimHistory = ClaimHistory()
  ) {
    self.sshd = sshd
    self.connection = connection
    self.claimed_s = claimed_s
    self.predecessorSeen_s = predecessorSeen_s
    self.claim = claim
    self.deviceSSHD = deviceSSHD
    self.history = history
  }

  /// A claim of at most one line grows where control characters in it are escaped.
  static let limit = 8 * Limits.line

  init(parsing text: [UInt8]) throws(JSONError) {
    var (sshd, connection, claimed_s, claim): (ProcessIdentity?, SSHConnection?, Int64?, ClaimBody?)
    var (predecessorSeen_s, deviceSSHD, history): (Int64?, ReportBody.DeviceSSHD?, ClaimHistory) = (nil, nil, .init())
    try JSONReader.read(text, limit: Self.limit) { (reader) throws(JSONError) in
      try reader.object { (name, reader) throws(JSONError) in
        switch name {
        case "sshd": sshd = try ProcessIdentity(try reader.wholeObject())
        case "connection": connection = SSHConnection(parsing: try reader.string())
        case "claimed_s": claimed_s = try reader.integer(in: 0...Int64.max)
        case "predecessor_seen_s":
          predecessorSeen_s = try reader.optional { (reader) throws(JSONError) in try reader.integer(in: 0...Int64.max)
          }
        case "claim": claim = try ClaimBody(&reader)
        case "device_sshd":
          let word = try reader.optional { (reader) throws(JSONError) in try reader.string() }
          deviceSSHD = word.flatMap { ReportBody.DeviceSSHD(rawValue: $0) }
        case "history": history = try ClaimHistory(&reader)
        default: _ = try reader.value()
        }
      }
    }
    guard let sshd, let connection, let claimed_s, let claim else { throw JSONError("a member is missing") }
    self.init(
      sshd: sshd, connection: connection, claimed_s: claimed_s, predecessorSeen_s: predecessorSeen_s, claim: claim,
      deviceSSHD: deviceSSHD, history: history)
  }

  var text: String {
    JSON.object([
      "v": .integer(1), "sshd": .object(sshd.object), "connection": .string(connection.description),
      "claimed_s": .integer(claimed_s),
      "predecessor_seen_s": predecessorSeen_s.map { .integer($0) } ?? .null, "claim": .object(claim.object),
      "device_sshd": JSON(deviceSSHD?.rawValue),
      "history": .object(history.object),
    ]).text + "\n"
  }
}

extension SessionRecord {
  /// A tunnel is silent when nothing came for three of its agent's keepalives.
  func isSilent(_ health: ConnectionHealth) -> Bool { health.silence_ms >= Int64(claim.keepalive_s) * 3000 }
}

extension ClaimBody {
  static func plainFacts(_ facts: [String: String]) -> [String: String] {
    facts.filter { fact in
      (1...Limits.tagKey).contains(fact.key.utf8.count)
        && fact.key.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    }
  }

  /// The claim with only such facts as a list can show: short plain names.
  var withPlainFacts: ClaimBody {
    var body = self
    body.facts = Self.plainFacts(facts)
    return body
  }
}
