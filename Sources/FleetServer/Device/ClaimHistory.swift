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
    lastDispute.flatMap { now_s - $0.lastOther_s <= Self.window_s ? $0 : nil }
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
      $0.bootID != $1.bootID && now_s - $1.since_s < Self.window_s
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
  init(_ object: JSONObject) throws(JSONError) {
    claimants = try object.objects("claimants", count: Self.claimantLimit).map { (object) throws(JSONError) in
      try Claimant(object)
    }
    guard object["dispute"] != nil else { return }
    let dispute = try object.object("dispute")
    lastDispute = Dispute(
      holder: try Claimant(try dispute.object("holder")), other: try Claimant(try dispute.object("other")),
      lastOther_s: try dispute.integer("last_other_s", in: 0...Int64.max))
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

extension ClaimHistory.Claimant {
  init(_ object: JSONObject) throws(JSONError) {
    bootID = try object.string("boot_id", limit: Limits.text)
    address = try object.string("address", limit: Limits.text)
    since_s = try object.integer("since_s", in: 0...Int64.max)
  }

  var object: JSONObject {
    ["boot_id": .string(bootID), "address": .string(address), "since_s": .integer(since_s)]
  }
}
