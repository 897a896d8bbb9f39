import FleetProtocol

/// What is true of a device only while its connection lives: written by `claim`, one file a device.
struct SessionRecord: Hashable {
  /// The sshd process that carries the connection, and so owns the listener.
  var sshd: ProcessIdentity
  var connection: SSHConnection
  var claimed_s: Int64
  var claim: ClaimBody
  /// The last report about the device's own sshd, `nil` before the first.
  var deviceSSHD: ReportBody.DeviceSSHD?

  init(
    sshd: ProcessIdentity, connection: SSHConnection, claimed_s: Int64, claim: ClaimBody,
    deviceSSHD: ReportBody.DeviceSSHD? = nil
  ) {
    self.sshd = sshd
    self.connection = connection
    self.claimed_s = claimed_s
    self.claim = claim
    self.deviceSSHD = deviceSSHD
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
    claim = try ClaimBody(parsing: JSON.object(try object.object("claim")).text.utf8)
    deviceSSHD = try object.optionalString("device_sshd").flatMap { ReportBody.DeviceSSHD(rawValue: $0) }
  }

  var text: String {
    // The claim's own line is written by this program and parses.
    let claim = (try? JSON(parsing: claim.line, limit: Self.limit)) ?? .null
    return JSON.object([
      "v": .integer(1), "sshd": .object(sshd.object), "connection": .string(connection.description),
      "claimed_s": .integer(claimed_s), "claim": claim, "device_sshd": JSON(deviceSSHD?.rawValue),
    ]).text + "\n"
  }
}

extension ClaimBody {
  /// The claim with only such facts as a list can show: short plain names.
  var withPlainFacts: ClaimBody {
    var body = self
    body.facts = facts.filter { fact in
      (1...Limits.tagKey).contains(fact.key.utf8.count)
        && fact.key.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    }
    return body
  }
}
