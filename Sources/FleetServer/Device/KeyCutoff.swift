import FleetProtocol

/// From when on a device's connections count. What sshd let in before was let in by a key that is the device's no
/// more, and must not claim its port or name another key, however long it has been open.
struct KeyCutoff: Hashable {
  /// The machine's boot: of an earlier one no connection is left.
  var bootID: String
  /// Clock ticks since boot.
  var ticks: UInt64
  /// The connection that brought the new key, where that is how the old one went.
  var exempt: ProcessIdentity?

  init(bootID: String, ticks: UInt64, exempt: ProcessIdentity? = nil) {
    self.bootID = bootID
    self.ticks = ticks
    self.exempt = exempt
  }

  /// Whether the connection that this sshd carries counts no more.
  func cuts(_ sshd: ProcessIdentity) -> Bool {
    sshd.bootID == bootID && sshd.startTime <= ticks && sshd != exempt
  }
}

extension KeyCutoff {
  init(parsing text: [UInt8]) throws(JSONError) {
    let object = try JSONObject(parsingBody: text)
    bootID = try object.string("boot_id", limit: Limits.text)
    ticks = UInt64(try object.integer("ticks", in: 0...Int64.max))
    exempt = object["exempt"] == nil ? nil : try ProcessIdentity(try object.object("exempt"))
  }

  var text: String {
    var object: JSONObject = [
      "v": .integer(1), "boot_id": .string(bootID), "ticks": .integer(Int64(clamping: ticks)),
    ]
    if let exempt { object["exempt"] = .object(exempt.object) }
    return JSON.object(object).text + "\n"
  }
}
