import FleetProtocol

/// What `fleet trust NAME` shows.
enum HostKeyTable {
  static func text(header: ConnectHeader, known: PinnedKeys, shown: [ShownHostKey]) -> String {
    func words(_ keys: [PublicKey]) -> [String] {
      keys.sorted(by: KeyFingerprint.isBefore).map { "\(KeyFingerprint.of($0)) \($0.algorithm)" }
    }
    let groups = [
      ("recorded on HostA", words(header.hostKeys), HostKeyRule.moment(PinnedKeys(accepting: header))),
      ("accepted here", words(known.trusted), ""),
      ("shown now", shown.map { "\($0.fingerprint) \($0.plainType)" }, ""),
    ]
    let width = groups.map(\.0.count).max() ?? 0
    var text = ""
    for (title, keys, remark) in groups {
      let lines = keys.isEmpty ? ["none"] : keys
      for (index, line) in lines.enumerated() {
        let remark = index == 0 && !remark.isEmpty ? "," + remark : ""
        text += DisplayWidth.padded(index == 0 ? title : "", to: width) + "  " + line + remark + "\n"
      }
    }
    return text
  }
}
