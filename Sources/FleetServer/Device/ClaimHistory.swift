import FleetProtocol

/// Who has claimed a device lately, and whether two boxes do so with one key, as after an SD card was copied.
///
/// One box's boot identity only ever changes forward: a reboot, an agent that restarts, a cable and a router never
/// bring back one that another has replaced. Two boxes that take the port from each other do, again and again.
struct ClaimHistory: Hashable {
  /// Consecutive claims of one boot of a box.
  struct Claimant: Hashable {
    var bootID: String
    /// Where the last of them came from.
    var address: String
    /// The first of them.
    var since_s: Int64
  }

  /// Two boxes, one key: the takeovers stop.
  struct Dispute: Hashable {
    /// The box that keeps the port.
    var holder: Claimant
    /// The box that is refused.
    var other: Claimant
    /// The last claim of the other box.
    var lastOther_s: Int64
  }

  /// How long alternations count together, and how long a dispute lasts without the other box.
  static let window_s: Int64 = 600
  /// How many alternations within the window are still no dispute.
  static let alternationLimit = 3
  /// How many claimants are kept.
  static let claimantLimit = 16

  /// The earliest first.
  private(set) var claimants: [Claimant] = []
  private var lastDispute: Dispute?

  init() {}

  /// The dispute that goes on at this time.
  func dispute(now_s: Int64) -> Dispute? {
    lastDispute.flatMap {
      WallClockRule.isNear($0.lastOther_s, now_s: now_s, within_s: Self.window_s) ? $0 : nil
    }
  }

  /// Takes a claim into account; whether it is granted. `isHolderHere`: the connection of the claim before it lives, and
  /// something came from it lately.
  mutating func claim(bootID: String, address: String, now_s: Int64, isHolderHere: Bool) -> Bool {
    let claimant = Claimant(bootID: bootID, address: address, since_s: now_s)
    if var dispute = dispute(now_s: now_s) {
      let isGranted = dispute.claim(claimant, isHolderHere: isHolderHere)
      lastDispute = dispute
      return isGranted
    }
    if let over = lastDispute {
      claimants = [over.holder]
      lastDispute = nil
    }
    let previous = claimants.last
    note(claimant)
    guard let previous, alternations(of: previous.bootID, and: bootID, now_s: now_s) > Self.alternationLimit else {
      return true
    }
    let first = claimants.first { $0.bootID == bootID || $0.bootID == previous.bootID }
    if first?.bootID == bootID || !isHolderHere {
      lastDispute = Dispute(holder: claimant, other: previous, lastOther_s: now_s)
      return true
    }
    lastDispute = Dispute(holder: previous, other: claimant, lastOther_s: now_s)
    return false
  }

  private mutating func note(_ claimant: Claimant) {
    if claimants.last?.bootID == claimant.bootID {
      claimants[claimants.count - 1].address = claimant.address
    } else {
      claimants.append(claimant)
      claimants.removeFirst(max(0, claimants.count - Self.claimantLimit))
    }
  }

  /// How often one of the two has followed the other within the window.
  private func alternations(of one: String, and other: String, now_s: Int64) -> Int {
    let pair = claimants.filter { $0.bootID == one || $0.bootID == other }
    return zip(pair, pair.dropFirst()).count {
      $0.bootID != $1.bootID && WallClockRule.isNear($1.since_s, now_s: now_s, within_s: Self.window_s - 1)
    }
  }
}

extension ClaimHistory.Dispute {
  /// Whether this claim is granted while the dispute goes on.
  fileprivate mutating func claim(_ claimant: ClaimHistory.Claimant, isHolderHere: Bool) -> Bool {
    if claimant.bootID == holder.bootID {
      holder.address = claimant.address
      return true
    }
    if isHolderHere {
      other = claimant
      lastOther_s = claimant.since_s
      return false
    }
    // The port is free. Either the other box gets it, or a boot that was never seen: the holder's next one.
    if claimant.bootID == other.bootID {
      other = holder
      lastOther_s = claimant.since_s
    }
    holder = claimant
    return true
  }
}

extension ClaimHistory {
  init(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (name, reader) throws(JSONError) in
      switch name {
      case "claimants":
        try reader.array { (reader) throws(JSONError) in claimants.append(try Claimant(&reader)) }
      case "dispute": lastDispute = try Dispute(&reader)
      default: _ = try reader.value()
      }
    }
    guard claimants.count <= Self.claimantLimit else { throw JSONError("too many claimants") }
  }

  var object: JSONObject {
    var object: JSONObject = ["claimants": .array(claimants.map { .object($0.object) })]
    if let dispute = lastDispute {
      object["dispute"] = .object([
        "holder": .object(dispute.holder.object), "other": .object(dispute.other.object),
        "last_other_s": .integer(dispute.lastOther_s),
      ])
    }
    return object
  }
}

extension ClaimHistory.Dispute {
  fileprivate init(_ reader: inout JSONReader) throws(JSONError) {
    var (holder, other, lastOther_s): (ClaimHistory.Claimant?, ClaimHistory.Claimant?, Int64?)
    try reader.object { (name, reader) throws(JSONError) in
      switch name {
      case "holder": holder = try ClaimHistory.Claimant(&reader)
      case "other": other = try ClaimHistory.Claimant(&reader)
      case "last_other_s": lastOther_s = try reader.integer(in: 0...Int64.max)
      default: _ = try reader.value()
      }
    }
    guard let holder, let other, let lastOther_s else { throw JSONError("a member is missing") }
    self.init(holder: holder, other: other, lastOther_s: lastOther_s)
  }
}

extension ClaimHistory.Claimant {
  fileprivate init(_ reader: inout JSONReader) throws(JSONError) {
    var (bootID, address, since_s): (String?, String?, Int64?)
    try reader.object { (name, reader) throws(JSONError) in
      switch name {
      case "boot_id": bootID = try reader.string()
      case "address": address = try reader.string()
      case "since_s": since_s = try reader.integer(in: 0...Int64.max)
      default: _ = try reader.value()
      }
    }
    guard let bootID, let address, let since_s else { throw JSONError("a member is missing") }
    self.init(bootID: bootID, address: address, since_s: since_s)
  }

  var object: JSONObject {
    ["boot_id": .string(bootID), "address": .string(address), "since_s": .integer(since_s)]
  }
}
