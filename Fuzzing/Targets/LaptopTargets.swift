import FleetProtocol

@testable import fleet

/// What the laptop keeps in files and reads of keys: HostA, devices and other tools have written much of it.
let laptopTargets = [
  FuzzTarget(
    "laptop-configuration",
    seeds: [
      #"{"v":1,"default":"hosta.example","hosts":[{"name":"hosta.example","account":"fleet","address":"203.0.113.1","port":2222,"identity":"/home/anna/.ssh/id","host_keys":["\#(Samples.key)"],"operator":"anna"},{"name":"b","account":"f","address":"2001:db8::1","port":22,"host_keys":["\#(Samples.otherKey)"]}]}"#
    ]
  ) { bytes in
    try roundTrip(bytes, "config.json", { try Configuration(parsing: $0) }, \.text)
    guard let configuration = try? Configuration(parsing: bytes) else { return }
    try checkKnownHosts(configuration.pins)
    for host in configuration.hosts {
      let arguments = HostConnectionArguments.ssh(to: host, pins: "/pins", request: "list")
      try require(Array(arguments.suffix(3)) == ["--", host.address, "list"], "ssh is told another host")
      for word in [host.name, host.account.rawValue, host.address, host.hostKeyAlias] {
        try require(PlainText.isWord(word), "'\(word)' goes into ssh's arguments")
      }
      if let target = try? LoginTarget(parsing: host.place) {
        try require((target.address, target.port) == (host.address, host.port), "a place is another: \(host.place)")
      }
    }
  },
  FuzzTarget(
    "known-hosts",
    seeds: [
      "# hosta.example:2222 SSH-2.0-OpenSSH_9.2p1\n[hosta.example]:2222 \(Samples.key)\n[hosta.example]:2222 \(Samples.otherKey)\n",
      "# recorded 2026-01-02T03:04:05Z by anna\n# not accepted here: \(Samples.otherKey)\n# until the hardware was replaced: \(Samples.key)\nkitchen-pi \(Samples.key)\n",
      "# recorded 2026-01-02T03:04:05Z by anna\u{2028}kitchen-pi \(Samples.otherKey)\n",
      "@cert-authority * \(Samples.key)\n",
    ]
  ) { bytes in
    let file = text(bytes)
    let keys = HostKeyScan.keys(in: file)
    try require(keys.count <= Limits.hostKeys && Set(keys).count == keys.count, "a scan has too many keys")
    guard let device = try? DeviceName(validating: "kitchen-pi") else { return }
    let pins = PinnedKeys(parsing: file)
    let written = pins.text(of: device)
    try checkKnownHosts(written)
    let again = PinnedKeys(parsing: written)
    try require(again.trusted == pins.trusted, "what is trusted changes by writing it")
    try require(
      (again.others, again.released, again.recorded) == (pins.others, pins.released, pins.recorded),
      "what is kept in mind changes")
    try checkKnownHosts(pins.letGo.text(of: device))
    try require(PinnedKeys(parsing: pins.letGo.text(of: device)).trusted.isEmpty, "what was let go is trusted")
  },
  FuzzTarget(
    "shown-host-key",
    seeds: [
      "ssh-ed25519\n\(Samples.key.dropFirst(12))", "ssh-ed25519-cert-v01@openssh.com\n\(certificate)", "ssh-dss\nAAAA",
      "  ssh-ed25519\n\(Samples.key.dropFirst(12))",
    ]
  ) { bytes in
    let given = parts(bytes)
    guard given.count == 2, let shown = ShownHostKey(type: given[0], base64: given[1]) else { return }
    try require(PlainText.isVisible(shown.plainType), "a key's type is not safe to show")
    try require(HostKeyScan.isFingerprint(shown.fingerprint), "a fingerprint is none")
    guard let key = shown.key else { return }
    try require(shown.isSame(as: key) && key.algorithm == shown.plainType, "a shown key is not itself")
    try require(ShownHostKey(type: key.algorithm, base64: key.base64) == shown, "a key from a certificate is another")
    guard let device = try? DeviceName(validating: "kitchen-pi"), let name = try? FleetHostName(parsing: "kitchen-pi")
    else { return }
    try require(
      HostKeyRule.refusal(of: shown, pins: PinnedKeys(trusted: [key]), device: name) == nil, "a pinned key is refused")
    guard let other = try? PublicKey(parsing: Samples.otherKey), other != key else { return }
    let refusal = HostKeyRule.refusal(of: shown, pins: PinnedKeys(trusted: [other]), device: name)
    try require(
      refusal.map { PlainText.isVisible($0.message) && $0.message.contains(device.rawValue) } == true,
      "another key is let pass")
  },
  FuzzTarget(
    "host-name",
    seeds: [
      "kitchen-pi.fleet", "kitchen-pi.hosta.example.fleet", "-oProxyCommand=x.fleet", "fleet@hosta.example:2222",
      "fleet@[2001:db8::1]:22",
    ]
  ) { bytes in
    let given = text(bytes)
    if let name = try? FleetHostName(parsing: given) {
      try require(PlainText.isWord(name.device.rawValue), "a host name begins with an option")
      try require((try? FleetHostName(parsing: "\(name)")) == name, "a host name is another again")
    }
    if let target = try? LoginTarget(parsing: given) {
      try require(PlainText.isWord(target.address) && PlainText.isWord(target.account.rawValue), "a login is no word")
    }
  },
  FuzzTarget(
    "known-devices",
    seeds: [
      #"{"v":1,"count":1,"digest":"cbf29ce484222325","host_ahead_s":0}"# + "\nkitchen-pi \(Samples.device)\n",
      #"{"v":1,"count":2,"digest":"1","host_ahead_s":-1099511627776}"#
        + "\nkitchen-pi \(Samples.device)\n-x {\"tags\":{\"a\":\"}\"}}\n",
    ]
  ) { bytes in
    let names = KnownDevicesFile.names(in: bytes)
    try require(names.allSatisfy { PlainText.isWord($0.rawValue) }, "a completed name is no word")
    try require(names.count <= bytes.count && KnownDevicesFile.tags(in: bytes).count <= bytes.count, "a list grows")
    guard let header = KnownDevicesFile.Header(parsing: bytes) else { return }
    try require(KnownDevicesFile.Header(parsing: Array(header.line.utf8)) == header, "a header is another again")
    _ = header.hostTime(of: Timestamp(seconds: 1_767_323_045)).description
    guard let devices = KnownDevicesFile.devices(in: bytes, header: header, asOf: Timestamp(seconds: 0)) else { return }
    try require(devices.count == header.count, "a list is not whole")
    let written = KnownDevicesFile.content(
      KnownDevicesFile.Header(devices, hostAhead_s: 0), devices: devices,
      lines: devices.map { Array(JSON.object($0.object).text.utf8)[...] })
    let again = KnownDevicesFile.Header(parsing: written).flatMap {
      KnownDevicesFile.devices(in: written, header: $0, asOf: Timestamp(seconds: 0))
    }
    try require(again == devices, "a list is another again")
    try require(KnownDevicesFile.names(in: written) == devices.map(\.name), "a list has other names")
  },
  FuzzTarget(
    "laptop-files",
    seeds: [
      #"{"v":1,"command":"apt-get -y upgrade\nreboot","user":"pi"}"# + "\nkitchen-pi\nattic-pi\n",
      "# Written by fleet\nHost kitchen-pi.fleet attic-pi.fleet\n  User pi\nHost x\n  User root\n",
      "Host *\n  User pi\nInclude \"/home/anna/.config/fleet/ssh_config\"", "kitchen-pi pi detached /run/fleet/x y\n",
      "kitchen-pi pi attached /run/x\r\nattic-pi pi attached /y\r",
    ]
  ) { bytes in
    try roundTripText(bytes, "the last run", { try LastExecution(parsing: $0) }, \.text)
    let book = LoginBook(parsing: text(bytes))
    try require(LoginBook(parsing: book.text) == book, "who logs in where is another again")
    for line in book.text.split(separator: "\n").dropFirst() {
      try require(line.hasPrefix("Host ") || line.hasPrefix("  User "), "ssh reads something else: \(line)")
    }
    let include = IncludeLine(path: "/home/anna/.config/fleet/ssh_config")
    let added = include.adding(to: bytes)
    try require(include.adding(to: added) == added, "a line is added twice")
    try require(include.removing(from: added) == include.removing(from: bytes), "a person's own lines change")
    let handed = HandedConnections(parsing: text(bytes))
    try require(HandedConnections(parsing: handed.text) == handed, "connections are others again")
    _ = QueuedHere(parsing: bytes)
  },
]

/// A certificate for the sample key: its type, a nonce, the key, and what else stands there.
private let certificate: String = {
  let fields =
    ["ssh-ed25519-cert-v01@openssh.com", "nonce"].map { Array($0.utf8) } + [[UInt8](repeating: 9, count: 32), []]
  return Base64.encode(fields.flatMap { [0, 0, 0, UInt8($0.count)] + $0 })
}()

/// Each line is a comment, or one plain name with one key.
private func checkKnownHosts(_ file: String) throws {
  for line in file.utf8.split(separator: UInt8(ascii: "\n")).map({ text($0) }) where !line.utf8.starts(with: "#".utf8) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    try require(words.count == 3 && words.allSatisfy(PlainText.isWord), "known_hosts says more: \(line)")
    try require((try? PublicKey(parsing: words[1...].joined(separator: " "))) != nil, "known_hosts has no key: \(line)")
  }
}

private func roundTripText<Message: Hashable>(
  _ bytes: [UInt8], _ what: String, _ parse: ([UInt8]) throws -> Message, _ write: (Message) -> String
) throws {
  guard let message = try? parse(bytes) else { return }
  try require((try? parse(Array(write(message).utf8))) == message, "\(what) is another again")
}
