import FleetProtocol

/// Which outages a device's transitions tell.
enum OutageHistory {
  /// The outages, latest first, from transitions with the latest first: each begins where the device went and ends
  /// where it next came. A device that never came had none.
  static func outages(_ transitions: [PresenceTransition], limit: Int = ShowReply.outageLimit) -> [Outage] {
    var outages: [Outage] = []
    var back_s: Int64?
    for transition in transitions {
      if transition.isOnline {
        back_s = transition.at_s
        continue
      }
      let from = Timestamp(seconds: transition.at_s)
      // Two ends in a row are of one outage: the earlier one is where it began.
      if let last = outages.last, back_s == nil {
        outages[outages.count - 1] = Outage(from: from, to: last.to)
        continue
      }
      guard outages.count < limit else { break }
      outages.append(Outage(from: from, to: back_s.map { Timestamp(seconds: max($0, transition.at_s)) }))
      back_s = nil
    }
    return outages
  }
}
