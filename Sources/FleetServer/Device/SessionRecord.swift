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
    guard case .object(let object) = try JSON(parsing: text, limit: Self.limit) else {
      throw JSONError("not an object")
    }
    sshd = try ProcessIdentity(try object.object("sshd"))
    guard let connection = SSHConnection(parsing: try object.string("connection")) else {
      throw JSONError("'connection' is not a connection")
    }
    self.connection = connection
    claimed_s = try object.integer("claimed_s", in: 0...Int64.max)
    predecessorSeen_s = try object.optionalInteger("predecessor_seen_s", in: 0...Int64.max)
    claim = try ClaimBody(parsing: JSON.object(try object.object("claim")).text.utf8)
    deviceSSHD = try object.optionalString("device_sshd").flatMap { ReportBody.DeviceSSHD(rawValue: $0) }
    history = object["history"] == nil ? ClaimHistory() : try ClaimHistory(try object.object("history"))
  }

  var text: String {
    // The claim's own line is written by this program and parses.
    let claim = (try? JSON(parsing: claim.line, limit: Self.limit)) ?? .null
    return JSON.object([
      "v": .integer(1), "sshd": .object(sshd.object), "connection": .string(connection.description),
      "claimed_s": .integer(claimed_s),
      "predecessor_seen_s": predecessorSeen_s.map { .integer($0) } ?? .null, "claim": claim,
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
