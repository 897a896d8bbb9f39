import FleetProtocol

@testable import FleetAgent
@testable import FleetSSH
@testable import fleet

/// What the agent reads: a server's first words, key files, and its own reports.
let agentTargets = [
  FuzzTarget(
    "server-preface",
    seeds: ["Not allowed at this time\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"],
    bytes: [
      Array("comment\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".utf8) + [0, 0, 1, 0, 6, 20] + [UInt8](repeating: 7, count: 16)
        + [
          "curve25519-sha256,ext-info-s", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256",
          "none", "none", "", "",
        ]
        .flatMap { [0, 0, 0, UInt8($0.utf8.count)] + Array($0.utf8) } + [0, 0, 0, 0, 0]
    ]
  ) { bytes in
    var whole = ServerPreface()
    bytes.withUnsafeBytes { whole.append($0) }
    var inPieces = ServerPreface()
    for start in stride(from: 0, to: bytes.count, by: 7) {
      Array(bytes[start..<min(start + 7, bytes.count)]).withUnsafeBytes { inPieces.append($0) }
    }
    try require(whole.algorithms == inPieces.algorithms, "a preface depends on how it comes")
    try require(whole.foreignLine == inPieces.foreignLine, "what is no SSH depends on how it comes")
    try require(whole.algorithms.isEmpty || whole.algorithms.count == 10, "a preface has ten lists")
    let names = whole.algorithms.reduce(0) { $0 + $1.reduce(0) { $0 + $1.utf8.count } }
    try require(names <= 3 * bytes.count && (whole.foreignLine?.utf8.count ?? 0) <= 600, "a preface grows")
  },
  FuzzTarget(
    "key-blob",
    seeds: [],
    bytes: [Base64.decode(String(Samples.key.dropFirst(12))) ?? [], [0, 0, 0, 1, 0x61], [0xFF, 0xFF, 0xFF, 0xFF, 1]]
  ) { bytes in
    _ = SSHKeyBlob.algorithm(of: bytes)
    for key in HostKeyLines.keys(of: [bytes]) {
      try require(Base64.decode(key.base64) == bytes, "a host key is another")
      try require(SSHKeyBlob.algorithm(of: bytes) == key.algorithm, "a host key has two algorithms")
    }
  },
  FuzzTarget(
    "private-key",
    seeds: [
      OpenSSHPrivateKey(seed: [UInt8](repeating: 1, count: 32), publicKey: [UInt8](repeating: 2, count: 32))
        .text(comment: "box", check: 7),
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ]
  ) { bytes in
    // The text itself, and the same bytes as what the text would hold.
    for file in [
      text(bytes),
      "-----BEGIN OPENSSH PRIVATE KEY-----\n\(Base64.encode(bytes))\n-----END OPENSSH PRIVATE KEY-----\n",
    ] {
      let key = try? OpenSSHPrivateKey(parsing: file)
      try require((key == nil) == (DropbearKey.bytes(fromOpenSSH: file) == nil), "two readers of a key disagree")
      guard let key else { continue }
      try require(key.seed.count == 32 && key.publicKey.count == 32, "a key is not whole")
      try require((try? OpenSSHPrivateKey(parsing: key.text(comment: "", check: 1))) == key, "a key is another again")
      try require((try? PublicKey(parsing: key.publicLine)) != nil, "a key's public line is none")
    }
  },
  FuzzTarget("machine-identity", seeds: ["10000000abcd", "To be filled by O.E.M.", "0000000000000000", "a\u{0}b c\nd"])
  {
    bytes in
    guard let identity = MachineIdentity(serial: text(bytes), mac: nil, machineID: nil) else { return }
    try require(identity.text.hasSuffix("\n"), "the file's line does not end")
    try require(identity.text.split(whereSeparator: \.isNewline).count == 1, "the file has more than a line")
  },
  FuzzTarget(
    "agent-status",
    seeds: [
      #"{"v":1,"name":"kitchen-pi","device":"0f3a5c7e9b1d2f40","agent_version":"0.1.0","pid":4711,"state":"up","sentence":"up","since":"2026-01-02T03:04:05Z","endpoint":"hosta.example:2222","remote_address":"203.0.113.1","port":20007,"channels":1,"bytes_received":1,"bytes_sent":2,"tries":3,"last_error":"x\u001b[2J","sshd":"down","key":null}"#
    ]
  ) { bytes in
    try roundTrip(bytes, "a status", { try StatusReport(parsing: $0) }, \.line)
    guard let report = try? StatusReport(parsing: bytes) else { return }
    for line in report.text(now: Timestamp(seconds: 0)).split(separator: "\n", omittingEmptySubsequences: false) {
      try require(PlainText.isVisible(line), "a status shows what is not seen: \(line)")
    }
  },
]
