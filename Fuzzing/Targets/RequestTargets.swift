import FleetProtocol

/// What a client asks for, and the words and values that it may name.
let requestTargets = [
  FuzzTarget(
    "request",
    seeds: [
      "claim", "attach", "report", "rotate-key", "join", "list", "fleet-server connect kitchen-pi",
      "rename kitchen-pi attic-pi", "queue-take 1b2c3d4e kitchen-pi", "enroll-key-remove 5f0c2a91",
      "show -oProxyCommand=x",
      "connect kitchen-pi;id", "queue-cancel 1b2c3d4e", "a b c d e f g h", "fleet-server", "list\nclaim",
      "fleet-server fleet-server list",
    ]
  ) { bytes in
    let request = text(bytes)
    guard let words = try? RequestTokenizer.words(of: request) else {
      try require((try? OperatorRequest(parsing: request)) == nil, "an operator asks in words that are none")
      try require((try? DeviceRequest(parsing: request)) == nil, "a device asks in words that are none")
      return
    }
    try require(words.count <= Limits.requestWords && request.utf8.count <= Limits.request, "a request is too long")
    for word in words {
      let isPlain = word.utf8.allSatisfy { (0x2B...0x3A).contains($0) || $0 == 0x3D || (0x40...0x7A).contains($0) }
      try require(!word.isEmpty && isPlain && PlainText.isPlainLine(word), "a word holds what means something")
    }
    // The first word `fleet-server` is dropped, a second one is a word.
    let again = (words.first == "fleet-server" ? ["fleet-server"] : []) + words
    try require(
      (try? RequestTokenizer.words(of: again.joined(separator: " "))) == words, "the words are others again")
    if let asked = try? OperatorRequest(parsing: request) {
      try require((try? OperatorRequest(parsing: asked.command)) == asked, "an operator's request is another again")
    }
    if let asked = try? DeviceRequest(parsing: request) {
      try require(request == asked.rawValue || request == "fleet-server \(asked.rawValue)", "a device asks more")
    }
    if let asked = try? EnrollKeyRequest(parsing: request) {
      try require(request == asked.rawValue || request == "fleet-server \(asked.rawValue)", "an enroll key asks more")
    }
  },
  FuzzTarget(
    "names",
    seeds: [
      "kitchen-pi", "0f3a5c7e9b1d2f40", "5f0c2a91", "www-data", "20007", "20000-29999", "kiosk-{serial}-{mac}",
      "2026-01-02T03:04:05Z", "203.0.113.9", "2001:db8::1", "_x.y", "-rf", "site=berlin", "9999-12-31T23:59:59Z",
    ]
  ) { bytes in
    let text = text(bytes)
    var words: [String] = []
    if let name = try? DeviceName(validating: text) { words.append(name.rawValue) }
    if let name = try? OperatorName(validating: text) { words.append(name.rawValue) }
    if let name = try? LoginName(validating: text) { words.append(name.rawValue) }
    if let id = try? EnrollKeyID(validating: text) { words.append(id.rawValue) }
    if let id = try? QueueID(validating: text) { words.append(id.rawValue) }
    if let id = DeviceID(text) { words.append(id.rawValue) }
    if let port = TCPPort(parsing: text) { words.append("\(port)") }
    if let range = PortRange(parsing: text) { words.append("\(range)") }
    if let time = Timestamp(parsing: text) { words.append("\(time)") }
    if HostAddress.isAddress(text) { words.append(text) }
    for word in words {
      try require(PlainText.isWord(word), "'\(word)' is taken for a word")
      try require(Array(word.utf8) == bytes, "'\(word)' is not what was given")
    }
    if let pattern = try? NamePattern(validating: text) {
      try require(pattern.text == text, "a pattern is another")
      for facts in [["serial": text, "hostname": "\u{1B}[2J"], [:]] {
        for number in [1, 2, 100_000] {
          let name = pattern.name(facts: facts, number: number)
          try require((try? DeviceName(validating: name.rawValue)) == name, "a pattern makes what is no name")
        }
      }
    }
    if let tag = try? Tag(parsing: text) {
      try require(PlainText.isWord("x" + tag.key) && PlainText.isVisible(tag.value), "a tag holds what is not seen")
      try require("\(tag.key)=\(tag.value)" == text, "a tag is not what was given")
    }
  },
  FuzzTarget(
    "public-key",
    seeds: [
      Samples.key, "\(Samples.key) anna@laptop", "  \(Samples.otherKey)\t#", "\(Samples.key)\r",
      "command=\"x\" \(Samples.key)",
      Samples.rsaKey, "ssh-ed25519 AAAA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    ]
  ) { bytes in
    let line = text(bytes)
    if let decoded = Base64.decode(line) { try require(Base64.encode(decoded) == line, "two texts are one base64") }
    guard let key = try? PublicKey(parsing: line) else { return }
    let words = key.description.split(separator: " ", omittingEmptySubsequences: false)
    try require(words.count == 2 && words.allSatisfy(PlainText.isWord), "'\(key)' is more than two words")
    try require(PublicKey.algorithms.contains(String(words[0])), "an algorithm is not known")
    try require(key.base64.utf8.count <= Limits.publicKey, "a key is too long")
    try require((try? PublicKey(parsing: key.description)) == key, "a key is another again")
  },
  FuzzTarget(
    "selector",
    seeds: [
      "kitchen-*\ntag=site:berlin\n!tag=old\nstate=online,stale", "user=p?\n!kitchen-pi", "tag=a:**a*?*b",
      "*a*a*a*a*a*b",
    ]
  ) { bytes in
    let words = parts(bytes)
    guard let selector = try? DeviceSelector(words) else { return }
    try require(selector.texts == words, "a selector says something else")
    try require((try? DeviceSelector(selector.texts)) == selector, "a selector is another again")
    guard let name = try? DeviceName(validating: "kitchen-pi"), let user = try? LoginName(validating: "pi") else {
      return
    }
    let tags = ["site": String(repeating: "a", count: 255)]
    let matches = selector.matches(name: name, user: user, tags: tags, state: .online)
    if words.count == 1, let word = words.first, !word.hasPrefix("!"), let turned = try? DeviceSelector(["!" + word]) {
      try require(
        turned.matches(name: name, user: user, tags: tags, state: .online) != matches, "'!' turns nothing round")
    }
    let names = selector.namesInFull
    try require(names.allSatisfy { words.contains($0.rawValue) }, "a name stands in full that does not stand there")
  },
  FuzzTarget(
    "json",
    seeds: [
      Samples.device, Samples.claim, #"{"a":[1,-2.5e3,true,null,"\ud83d\ude00\u0000\n"],"b":{"c":{}}}"#,
      "[[[[[[[[1]]]]]]]]",
      "-0", "1e308", "123456789012345678901234567890", #"{"e\u0301":1,"é":2}"#, "\"\u{7F}\u{2028}\"",
    ]
  ) { bytes in
    guard let value = try? JSON(parsing: bytes) else { return }
    let written = value.text
    try require(written.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "JSON is written on more than one line")
    try require(written.utf8.count <= 6 * bytes.count + 32, "JSON grows when it is written")
    let again = try? JSON(parsing: written, limit: 8 * Limits.line)
    try require(again == value, "JSON is another again: \(written)")
    try require(again?.text == written, "JSON is written in two ways: \(written)")
  },
]
