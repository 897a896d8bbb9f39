import FleetProtocol

@testable import FleetServer

/// What HostA reads of its own folder and its key file, into which devices and operators have had their say.
let hostTargets = [
  FuzzTarget(
    "session-record",
    seeds: [
      #"{"v":1,"sshd":\#(Samples.identity),"connection":"203.0.113.9 50022 198.51.100.1 2222","claimed_s":1767323045,"predecessor_seen_s":null,"claim":\#(Samples.claim),"device_sshd":"up","history":{"claimants":[{"boot_id":"a","address":"203.0.113.9","since_s":1767323045},{"boot_id":"b","address":"203.0.113.10","since_s":1767323046}],"dispute":{"holder":{"boot_id":"a","address":"203.0.113.9","since_s":1},"other":{"boot_id":"b","address":"203.0.113.10","since_s":2},"last_other_s":9223372036854775807}}}"#,
      #"{"v":1,"boot_id":"6f1c","ticks":123456,"exempt":\#(Samples.identity)}"#,
      #"{"v":1,"listener":\#(Samples.identity)}"#,
    ]
  ) { bytes in
    try roundTrip(bytes, "a session", { try SessionRecord(parsing: $0) }, \.text)
    try roundTrip(bytes, "a cutoff", { try KeyCutoff(parsing: $0) }, \.text)
    try roundTrip(bytes, "run.json", { try RunRecord(parsing: $0) }, \.text)
    try roundTrip(bytes, "the named keys", { try NamedKeys(parsing: $0) }, \.text)
    guard let record = try? SessionRecord(parsing: bytes) else { return }
    var history = record.history
    for (boot, now_s) in [("a", Int64(0)), ("b", 1), ("a", Int64.max), ("c", record.claimed_s)] {
      _ = history.dispute(now_s: now_s)
      _ = history.claim(bootID: boot, address: "203.0.113.9", now_s: now_s, isHolderHere: now_s == 1)
      try require(history.claimants.count <= ClaimHistory.claimantLimit, "a history grows")
    }
    _ = record.isSilent(ConnectionHealth(silence_ms: .max, rtt_ms: nil, bytesReceived: 0, bytesAcknowledged: 0))
    let shown = record.claim.withPlainFacts.facts.keys
    try require(shown.allSatisfy { PlainText.isWord("x" + $0) }, "a fact's name is no word")
  },
  FuzzTarget(
    "host-settings",
    seeds: [
      #"{"v":1,"address":"hosta.example","listen":"0.0.0.0:2222","ports":"20000-29999","sshd_mode":"private","account":"fleet","sshd":"/usr/sbin/sshd"}"#
    ]
  ) { bytes in
    try roundTrip(bytes, "fleet-server.json", { try HostSettings(parsing: $0) }, { JSON.object($0.object).text })
    guard let settings = try? HostSettings(parsing: bytes) else { return }
    let text = SSHDConfiguration.private(
      home: Home(path: "/home/fleet/x"), settings: settings, isRoot: false, hasPenalties: true, cores: 4)
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      try require(words.count == 2 && PlainText.isPlainLine(line), "sshd's configuration says more: \(line)")
      try require(
        words[0].allSatisfy { $0.isLetter || $0.isNumber }, "sshd's configuration has another option: \(line)")
    }
    let listens = text.split(separator: "\n").filter { $0.hasPrefix("ListenAddress") || $0.hasPrefix("AllowUsers") }
    try require(listens.count == 2, "sshd's configuration listens twice")
  },
  FuzzTarget(
    "forced-command",
    seeds: [
      "device 0f3a5c7e9b1d2f40 20007", "operator anna", "enroll-key 5f0c2a91",
      "--home /x device 0f3a5c7e9b1d2f40 1 next", "operator add",
    ]
  ) { bytes in
    let words = text(bytes).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard let line = ForcedCommandLine(words) else { return }
    let rest = words.first == "--home" ? Array(words.dropFirst(2)) : words
    switch line {
    case .device(let id, let port, let standing, _):
      try require(
        rest == ["device", id.rawValue, "\(port)"] + (standing.word.map { [$0] } ?? []), "a device is another")
    case .operator(let name, _): try require(rest == ["operator", name.rawValue], "an operator is another")
    case .enrollKey(let id, _): try require(rest == ["enroll-key", id.rawValue], "an enroll key is another")
    }
  },
  FuzzTarget(
    "key-line",
    seeds: [
      "anna\n0f3a5c7e9b1d2f40\n5f0c2a91\n20007\n2026-01-02T03:04:05Z\n\(Samples.key) anna@laptop\n\(Samples.otherKey)",
      "x\" command=\"id\n0f3a5c7e9b1d2f40\n5f0c2a91\n1\n9999-12-31T23:59:59Z\n\(Samples.key)\",command=\"id\n\(Samples.otherKey)\r\n",
    ]
  ) { bytes in
    let given = parts(bytes)
    guard given.count >= 7, let name = try? OperatorName(validating: given[0]), let device = DeviceID(given[1]),
      let enrollKey = try? EnrollKeyID(validating: given[2]), let port = TCPPort(parsing: given[3]),
      let key = try? PublicKey(parsing: given[5]), let other = try? PublicKey(parsing: given[6])
    else { return }
    let expires = Timestamp(parsing: given[4])
    let text = KeyFileText.render(
      devices: [
        KeyFileText.Device(id: device, port: port, key: key, expires: expires),
        KeyFileText.Device(id: device, port: port, key: other, standing: .next),
      ],
      operators: [KeyFileText.Operator(name: name, key: key)],
      enrollKeys: [KeyFileText.EnrollKey(id: enrollKey, key: other)],
      command: ForcedCommand(executable: "/opt/fleet-server", home: nil))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    try require(lines.count == 6 && lines[5].isEmpty, "the key file has another line: \(text)")
    try require(KeyFileText.deviceCount(in: text.utf8) == 1, "the key file counts wrongly")
    let expected: [(ForcedCommandLine, PublicKey)] = [
      (.operator(name, home: nil), key), (.enrollKey(enrollKey, home: nil), other),
      (.device(device, port, .current, home: nil), key), (.device(device, port, .next, home: nil), other),
    ]
    for (line, (identity, key)) in zip(lines[1...], expected) {
      guard let read = AuthorizedKey(line) else { throw Finding(description: "sshd reads no key in \(line)") }
      let mark = "exec /opt/fleet-server "
      try require(
        read.options.first == "restrict" && read.command?.hasPrefix(mark) == true, "a key may do all: \(line)")
      let words = (read.command ?? "").dropFirst(mark.count).split(separator: " ").map(String.init)
      if case .operator(let name, _) = identity, ForcedCommandLine.reservedOperatorNames.contains(name.rawValue) {
        continue
      }
      try require(ForcedCommandLine(words) == identity, "a key is somebody else's: \(line)")
      try require(read.key == key.description, "a line has another key: \(line)")
      let listens = read.options.filter { $0.hasPrefix("permit") }
      if case .device = identity {
        try require(
          listens == ["permitlisten=\"127.0.0.1:\(port)\"", "permitopen=\"127.0.0.1:\(port)\""],
          "a device may more: \(line)")
      } else {
        try require(listens.isEmpty && read.options.count == 2, "a key may forward: \(line)")
      }
    }
  },
  FuzzTarget(
    "managed-block",
    seeds: [
      "", "\(Samples.key) mine\n", "\(Samples.key)",
      "# BEGIN fleet-server\nold\n# END fleet-server\n\(Samples.otherKey)\n",
      "a\n# BEGIN fleet-server\n# END fleet-server\nb", "# END fleet-server\n# BEGIN fleet-server\n",
      "x # BEGIN fleet-server\n", "# BEGIN fleet-server\r\n# END fleet-server\r\n",
    ]
  ) { bytes in
    let (one, two) = (Array("one\n".utf8), Array("two\ntwo\n".utf8))
    guard let first = try? ManagedBlock.replacing(in: bytes, with: one) else { return }
    guard let second = try? ManagedBlock.replacing(in: first, with: two) else {
      throw Finding(description: "our own block is damaged")
    }
    try require((try? ManagedBlock.replacing(in: second, with: one)) == first, "a second change is not the first")
    try require((try? ManagedBlock.replacing(in: first, with: one)) == first, "the same block changes the file")
    try require(
      (try? ManagedBlock.wordsOutside(first)) == (try? ManagedBlock.wordsOutside(bytes)), "what is not ours has changed"
    )
  },
]

/// A line of authorized_keys as sshd reads it: options up to a blank that stands in no quotes.
private struct AuthorizedKey {
  var options: [String] = []
  var key = ""

  var command: String? {
    options.first { $0.hasPrefix("command=\"") && $0.hasSuffix("\"") }.map { String($0.dropFirst(9).dropLast()) }
  }

  init?(_ line: some StringProtocol) {
    var option: [UInt8] = []
    var isQuoted = false
    var rest = Array(line.utf8)[...]
    while let byte = rest.popFirst(), isQuoted || byte != UInt8(ascii: " ") {
      if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "\"") { return nil }
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte == UInt8(ascii: ","), !isQuoted {
        options.append(text(option))
        option = []
      } else {
        option.append(byte)
      }
    }
    options.append(text(option))
    let words = rest.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { text($0) }
    guard words.count == 3, !isQuoted else { return nil }
    key = "\(words[0]) \(words[1])"
  }
}
