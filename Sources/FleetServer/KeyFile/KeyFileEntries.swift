import FleetProtocol

/// Who stands in a key file, read back from its text.
struct KeyFileEntries: Hashable {
  var devices: [KeyFileText.Device] = []
  var operators: [KeyFileText.Operator] = []
  var enrollKeys: [KeyFileText.EnrollKey] = []
}

extension KeyFileEntries {
  /// Only what `KeyFileText` would write again in the same way is understood. Throws `home-unusable` for anything else,
  /// because a line that is lost here is a device that is locked out; `nil` for a text that is none of ours.
  init?(parsing text: String) throws(Refusal) {
    guard let count = KeyFileText.deviceCount(in: text.utf8) else { return nil }
    self.init()
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard read(String(line)) else {
        throw Self.damaged("holds a line that fleet-server did not write: \(DisplayText.escaped(line, limit: 60))")
      }
    }
    let ports = Set(devices.map(\.port)).count
    guard count == Set(devices.map(\.id)).count, count == ports else {
      throw Self.damaged("names other devices than it says")
    }
  }

  /// The lines between the markers where there are any, else the whole text.
  init?(parsingFile file: [UInt8]) throws(Refusal) {
    try self.init(parsing: String(decoding: try ManagedBlock.content(of: file) ?? file, as: UTF8.self))
  }

  private mutating func read(_ line: String) -> Bool {
    let quoted = line.split(separator: "command=\"", maxSplits: 1)
    guard quoted.count == 2, let quote = quoted[1].firstIndex(of: "\"") else { return false }
    let words = quoted[1][..<quote].split(separator: " ")
    guard words.count >= 4, words[0] == "exec",
      let key = try? PublicKey(parsing: quoted[1][quoted[1].index(after: quote)...])
    else { return false }
    let executable = String(words[1])
    switch ForcedCommandLine(words.dropFirst(2).map { String($0) }) {
    case .device(let id, let port, let standing, let home):
      let device = KeyFileText.Device(
        id: id, port: port, key: key, standing: standing, expires: Self.expiry(quoted[0]))
      let command = ForcedCommand(executable: executable, home: home)
      guard KeyLine.device(device, command: command) == line else { return false }
      devices.append(device)
    case .operator(let name, let home):
      let command = ForcedCommand(executable: executable, home: home)
      guard KeyLine.operator(name, key: key, command: command) == line else { return false }
      operators.append(KeyFileText.Operator(name: name, key: key))
    case .enrollKey(let id, let home):
      let command = ForcedCommand(executable: executable, home: home)
      guard KeyLine.enrollKey(id, key: key, command: command) == line else { return false }
      enrollKeys.append(KeyFileText.EnrollKey(id: id, key: key))
    case nil: return false
    }
    return true
  }

  /// `expiry-time="20260102030405Z"` among the options.
  private static func expiry(_ options: Substring) -> Timestamp? {
    let parts = options.split(separator: "expiry-time=\"", maxSplits: 1)
    guard let digits = parts.last?.prefix(14), parts.count == 2, digits.count == 14 else { return nil }
    let d = Array(digits).map { String($0) }
    func part(_ range: Range<Int>) -> String { d[range].joined() }
    return Timestamp(
      parsing: "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z")
  }

  private static func damaged(_ what: String) -> Refusal {
    Refusal(
      .homeUnusable, "the key file \(what)",
      hint: "mend it, or move it away: then the backup stands as it is, with what was removed since")
  }
}
