import FleetProtocol

@testable import fleet

/// What reaches a terminal, or a tool that reads our output.
let terminalTargets = [
  FuzzTarget(
    "display-text",
    seeds: [
      "plain", "\u{1B}[31mred\u{1B}[0m", "a\u{202E}b", "caf\u{E9} e\u{301}", "\u{3164}\u{115F}\u{FE0F}\u{2800}\u{A0}",
      "👩‍👩‍👧", "\u{85}\u{2028}\u{7F}",
    ]
  ) { bytes in
    let given = text(bytes)
    for limit in [Int.max, 40, 0] {
      let shown = DisplayText.escaped(given, limit: limit)
      try require(PlainText.isVisible(shown), "it shows what is not seen: \(shown)")
      try require(shown.utf8.count <= 10 * given.unicodeScalars.count + 3, "it grows")
      try require(limit == .max || shown.unicodeScalars.count <= 10 * limit + 3, "it is longer than it may be")
      try require(limit != .max || DisplayText.escaped(shown) == shown, "what is safe is escaped again")
    }
    if let last = LastLine.of(given) { try require(PlainText.isVisible(last), "a last line shows what is not seen") }
  },
  FuzzTarget(
    "device-output",
    seeds: ["one\ntwo\r\n\tthree", "\u{1B}[2J\u{1B}]0;x\u{7}\n", String(repeating: "x", count: 70_000) + "\nend"],
    bytes: [[0xE2, 0x80, 0xA8, 0xFF, 10, 0xC3]]
  ) { bytes in
    var prefixer = LinePrefixer(prefix: "kitchen-pi: ", forTerminal: true)
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 3) {
      out += prefixer.take(bytes[start..<min(start + 1 + bytes.count / 3, bytes.count)])
    }
    out += prefixer.end()
    for line in out.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
      try require(line.starts(with: "kitchen-pi: ".utf8), "a line is nobody's")
      let isSafe = text(line).split(separator: "\t", omittingEmptySubsequences: false).allSatisfy(PlainText.isVisible)
      try require(isSafe, "a line does something to the terminal")
    }
    try require(out.isEmpty || out.last == UInt8(ascii: "\n"), "the last line does not end")
    try require(out.count <= 24 * (bytes.count + 1), "output grows")
    var kept = CappedOutput()
    for _ in 0..<2 { kept.add(bytes[...]) }
    try require(
      kept.bytes.count + kept.cut == 2 * bytes.count && kept.bytes.count <= CappedOutput.limit, "bytes are lost")
  },
  FuzzTarget(
    "ssh-log",
    seeds: [
      """
      OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.11
      debug1: Connecting to hosta.example [203.0.113.1] port 2222.
      debug1: Connection established.
      debug1: kex_exchange_identification: banner line 0: Not allowed at this time\u{1B}[2J
      debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1
      debug1: Server host key: ssh-ed25519 \(Samples.fingerprint)
      debug1: Host 'fleet-host-x' is known and matches the ED25519 host key.
      debug1: Offering public key: /home/anna/.ssh/id_ed25519 ED25519 \(Samples.fingerprint) explicit
      debug1: Authentication succeeded (publickey).
      debug1: client_input_channel_req: channel 0 rtype exit-status reply 0
      """,
      "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n\(Samples.fingerprint).\nHost key verification failed.\r\n",
      "anna@hosta: Permission denied (publickey).", "debug1: Executing proxy command: x\u{202E}y",
      "sh: fleet-server: not found\r",
    ]
  ) { bytes in
    let log = text(bytes)
    let trace = SSHTrace(
      log.split(whereSeparator: \.isNewline).map { SSHTrace.Moment(text: String($0), at: .zero) }, end: .zero)
    let moments = [
      trace.connecting, trace.proxy, trace.preface, trace.software, trace.hostKey, trace.verified, trace.accepted,
    ]
    for moment in moments.compactMap(\.self) {
      try require(PlainText.isVisible(moment.text), "a trace shows what is not seen")
    }
    for key in trace.offered { try require(PlainText.isVisible(SSHTrace.key(key)), "a key shows what is not seen") }
    if let shown = trace.shownFingerprint { try require(HostKeyScan.isFingerprint(shown), "a fingerprint is none") }
    guard let host = try? ConfiguredHost(sampleHost), let device = try? DeviceName(validating: "kitchen-pi") else {
      return
    }
    for status: Int32 in [0, 1, 127, 255] {
      let refusal = SSHFailure.refusal(host: host, exitStatus: status, errorText: log)
      try require(PlainText.isVisible(refusal.message + (refusal.hint ?? "")), "a refusal shows what is not seen")
      try require(refusal.message.utf8.count < 8000, "a refusal is long")
      let outcome = ExecOutcome(sshStatus: status, log: log, device: device)
      try require(PlainText.isVisible(outcome.message ?? ""), "an outcome shows what is not seen")
      do {
        let proof = try RehearsalProof(device: device, exitStatus: status, output: log, debugText: log)
        try require(PlainText.isVisible(proof.sentence(device: device)), "a proof shows what is not seen")
      } catch let refusal as Refusal {
        try require(PlainText.isVisible(refusal.message), "a refusal shows what is not seen")
      }
    }
  },
  FuzzTarget(
    "device-listing",
    seeds: [
      Samples.device, Samples.device + "\n" + Samples.device.replacing("kitchen", with: "attic"),
      Samples.device.replacing("0.1.0", with: "\\\"\u{301},up=\\\"1").replacing("berlin", with: "{{\u{301}x}}"),
    ]
  ) { bytes in
    let objects = bytes.split(separator: UInt8(ascii: "\n")).prefix(8).compactMap { try? JSON(parsing: $0) }
    var devices: [DeviceStatus] = []
    var entries: [LogEntry] = []
    for case .object(let object) in objects {
      if let device = try? DeviceStatus(object) { devices.append(device) }
      if let entry = try? LogEntry(object) { entries.append(entry) }
    }
    let now = Timestamp(seconds: 1_767_323_065)
    let plain = TerminalStyle(hasColor: false)
    for width in [nil, 40] {
      try checkTable(DeviceTable(width: width).text(devices, now: now, style: plain), rows: devices.count)
      try checkTable(LogTable(width: width).text(entries, style: plain), rows: entries.count)
    }
    guard let device = devices.first, let host = try? ConfiguredHost(sampleHost) else { return }
    let details = DeviceDetails.text(ShowReply(device: device, outages: []), now: now, style: plain)
    try checkTable(details, rows: 13 + device.facts.count + (device.expires == nil ? 0 : 1))
    let format = try DeviceFormat(parsing: "{name}\\t{state}\\t{tags}\\t{note}\\t{agent_version}")
    try require(format.line(device).utf8.count { $0 == UInt8(ascii: "\n") } == 1, "a device has more than a line")
    try checkMetrics(FleetMetrics.text(FleetMetrics.Answer(devices: devices, waiting: 1), host: "hosta", took: .zero))
    let way = AnsibleInventory.Way(program: "/usr/bin/fleet", host: host)
    let inventory = AnsibleInventory.host(device, way: way)
    try require(inventory.utf8.dropLast().allSatisfy { $0 >= 0x20 }, "the inventory is more than a line")
    let values = AnsibleInventory.variables(device, way: way)["fleet_tags"]
    if case .object(let tags)? = values {
      for case .string(let value) in tags.members.map(\.value) {
        let bytes = Array(value.utf8)
        let isTemplate = zip(bytes, bytes.dropFirst()).contains {
          $0 == UInt8(ascii: "{") && Array("{%#".utf8).contains($1)
        }
        try require(!isTemplate, "Ansible is given a template: \(value)")
      }
    }
    for group in AnsibleGroups(devices).members.keys {
      try require(
        group.utf8.allSatisfy { $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) },
        "a group is no word: \(group)")
    }
  },
]

private let sampleHost: JSONObject = [
  "name": .string("hosta.example"), "account": .string("fleet"), "address": .string("hosta.example"),
  "port": .integer(2222),
  "host_keys": JSON([Samples.key]),
]

private func checkTable(_ table: String, rows: Int) throws {
  let lines = table.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { text($0) }
  try require(lines.count == rows + 2 && lines.last?.isEmpty == true, "a table has other rows: \(table)")
  for line in lines { try require(PlainText.isVisible(line), "a table shows what is not seen: \(line)") }
}

/// Each line is a comment, or a name, labels whose quotes close, and a number.
private func checkMetrics(_ metrics: String) throws {
  for line in metrics.utf8.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
    var isQuoted = false
    var rest = line
    var outside: [UInt8] = []
    while let byte = rest.popFirst() {
      if isQuoted, byte == UInt8(ascii: "\\") {
        _ = rest.popFirst()
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if !isQuoted {
        outside.append(byte)
      }
    }
    let isPlain = outside.allSatisfy { (0x20...0x7E).contains($0) }
    try require(
      !isQuoted && isPlain && outside.count { $0 == UInt8(ascii: " ") } == 1, "a metric ends too early: \(text(line))")
    try require(outside.count { $0 == UInt8(ascii: "{") } <= 1, "a metric has labels twice: \(text(line))")
  }
}
