import FleetProtocol

/// What stands in the bodies of requests, in replies and in the agent's configuration.
let messageTargets = [
  FuzzTarget(
    "body",
    seeds: [
      Samples.claim, #"{"v":1,"sshd":"up","host_keys":["\#(Samples.key)"]}"#, #"{"v":1,"key":"\#(Samples.key)"}"#,
      #"{"v":1,"key":"\#(Samples.key)","facts":{"serial":"10000000abcd"},"host_keys":[]}"#,
      #"{"v":1,"name":"kiosk-1","key":"\#(Samples.key)","user":"pi","tags":{"a":"b"},"host_keys_from_first_claim":false,"expires_s":60}"#,
      #"{"v":1,"host_keys":["\#(Samples.key)","\#(Samples.otherKey)"]}"#,
      #"{"v":1,"key":"\#(Samples.key)","pattern":"kiosk-{serial}","user":"pi","tags":{},"uses":200,"expires_s":604800,"auto_approve":true}"#,
      #"{"v":1,"name":"kiosk-7","user":null,"tags":{"x":"y"}}"#, #"{"v":1,"set":{"site":"berlin"},"remove":["old"]}"#,
      #"{"v":1,"device":"kitchen-pi","since":"2026-01-02T03:04:05Z","limit":100}"#,
      #"{"v":1,"command":"apt-get -y upgrade","devices":["kitchen-pi","attic-pi"],"expires_s":86400}"#,
      #"{"v":1,"status":255}"#, #"{"v":1,"select":["kitchen-*","tag=site:berlin"]}"#,
    ]
  ) { bytes in
    try roundTrip(bytes, "claim", { try ClaimBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "report", { try ReportBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "join", { try JoinBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "rotate-key", { try RotateKeyBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "provision", { try ProvisionBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "provision-many", { try NamedProvisionBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "enroll", { try EnrollBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "enroll-key-create", { try EnrollKeyBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "approve", { try ApproveBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "tag", { try TagBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "log", { try LogBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "queue-add", { try QueueBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "queue-done", { try QueueDoneBody(parsing: $0) }, \.line)
    try roundTrip(bytes, "select", { try SelectBody(parsing: $0) }, \.line)
    if let object = try? JSONObject(parsingBody: bytes), (try? object.stringMap("tags", count: 32, limit: 255)) != nil,
      let tags = try? object.stringMap("tags", count: 32, limit: 255), (try? TagRule.check(tags)) != nil
    {
      for (key, value) in tags {
        try require(PlainText.isWord("x" + key) && PlainText.isVisible(value), "a tag holds what is not seen")
      }
    }
  },
  FuzzTarget(
    "reply",
    seeds: [
      #"{"v":1,"ok":false,"code":"device-offline","message":"kitchen-pi is offline\u001b]0;x\u0007","hint":"wait\u202e"}"#,
      #"{"v":1,"ok":true,"port":20007,"reconnect_window_s":5,"took_over":true,"rotate_key":false,"ended":true}"#,
      #"{"v":1,"ok":true,"state":"approved","name":"kiosk-1","device":"0f3a5c7e9b1d2f40","port":20007,"created":true,"host":\#(Samples.host)}"#,
      #"{"v":1,"ok":true,"state":"pending","name":"kiosk-1","retry_s":30}"#,
      #"{"v":1,"ok":true,"name":"kitchen-pi","user":"pi","host_keys":["\#(Samples.key)"],"enrolled":"2026-01-02T03:04:05Z","enrolled_by":"anna"}"#,
      #"{"v":1,"ok":true,"device":\#(Samples.device),"outages":[{"from":"2026-01-02T03:04:05Z","to":null,"length_s":null}]}"#,
    ]
  ) { bytes in
    guard let reply = try? Reply(parsing: bytes) else { return }
    let line = reply.line
    try require(PlainText.isPlainLine(line.filter(\.isASCII)), "a reply is more than a line")
    if line.utf8.count <= Limits.line {
      try require((try? Reply(parsing: Array(line.utf8))) == reply, "a reply is another again: \(line)")
    }
    switch reply {
    case .refused(let refusal):
      try require(PlainText.isVisible(refusal.message + (refusal.hint ?? "")), "a refusal is not safe to show")
      try require(refusal.message.utf8.count < 16_000, "a refusal is long")
    case .ok(let fields):
      try sameAgain(fields, { try ClaimReply($0) }, \.fields)
      try sameAgain(fields, { try JoinReply($0) }, \.fields)
      try sameAgain(fields, { try ProvisionReply($0) }, \.fields)
      try sameAgain(fields, { try RemoveReply($0) }, \.fields)
      try sameAgain(fields, { try RotateKeyReply($0) }, \.fields)
      try sameAgain(fields, { try ConnectHeader($0) }, \.fields)
      try sameAgain(fields, { try ShowReply($0) }, \.fields)
      if let header = try? ConnectHeader(fields) {
        try require(!header.hostKeys.isEmpty, "a device without a host key")
      }
      if let host = try? HostAddress(fields.object("host")) {
        try require(!host.hostKeys.isEmpty && !host.endpoints.isEmpty, "a HostA without a key or a way")
        try require(host.endpoints.allSatisfy { PlainText.isWord($0.address) }, "an address is no word")
      }
    }
  },
  FuzzTarget(
    "list-line",
    seeds: [
      Samples.device,
      #"{"at":"2026-01-02T03:04:05Z","actor":"alice","action":"connect","device":"kitchen-pi","remote_address":"203.0.113.7","duration_s":62,"bytes_to_device":4096,"bytes_from_device":20480,"detail":null}"#,
      #"{"id":"5f0c2a91","pattern":"kiosk-{serial}","user":"pi","uses":200,"used":3,"expires":"2026-01-09T03:04:05Z","auto_approve":false,"created_by":"anna"}"#,
      #"{"name":"kiosk-1","key":"\#(Samples.key)","facts":{"serial":"1"},"host_keys":[],"remote_address":"203.0.113.9","asked":"2026-01-02T03:04:05Z","enroll_key":"5f0c2a91"}"#,
      #"{"id":"1b2c3d4e","device":"kitchen-pi","command":"apt-get -y upgrade","state":"waiting","added":"2026-01-02T03:04:05Z","expires":"2026-01-03T03:04:05Z","taken":null,"status":null}"#,
    ]
  ) { bytes in
    guard case .object(let object)? = try? JSON(parsing: bytes) else { return }
    try sameAgain(object, { try DeviceStatus($0) }, \.object)
    try sameAgain(object, { try LogEntry($0) }, \.object)
    try sameAgain(object, { try EnrollKeyStatus($0) }, \.object)
    try sameAgain(object, { try PendingBox($0) }, \.object)
    try sameAgain(object, { try QueuedCommand($0) }, \.object)
    if let device = try? DeviceStatus(object) {
      var written: [UInt8] = []
      device.write(to: &written)
      try require(written == Array(JSON.object(device.object).text.utf8), "a device is written in two ways")
    }
  },
  FuzzTarget(
    "agent-configuration",
    seeds: [
      #"{"v":1,"device":"0f3a5c7e9b1d2f40","name":"kitchen-pi","port":20007,"host":\#(Samples.host),"key_file":"id_ed25519","sshd_port":22,"profile":"normal","keepalive_s":7,"report_host_keys":true}"#,
      #"{"v":1,"host":\#(Samples.host),"key_file":"enroll_ed25519","sshd_port":22,"profile":"metered"}"#,
    ]
  ) { bytes in
    try roundTrip(bytes, "agent.json", { try AgentConfiguration(parsing: $0) }, \.text)
    try roundTrip(bytes, "enroll.json", { try EnrollmentConfiguration(parsing: $0) }, \.text)
  },
]

/// Whatever is accepted is written on one line, and read again as the same.
func roundTrip<Message: Hashable>(
  _ bytes: [UInt8], _ what: String, _ parse: ([UInt8]) throws -> Message, _ write: (Message) -> String
) throws {
  guard let message = try? parse(bytes) else { return }
  var line = Array(write(message).utf8)
  if line.last == UInt8(ascii: "\n") { line.removeLast() }
  try require(line.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(what) is more than a line: \(text(line))")
  // What was escaped takes more room than it did.
  guard line.count <= Limits.line else { return }
  try require((try? parse(line)) == message, "\(what) is another again: \(text(line))")
}

/// The same of an object's fields.
func sameAgain<Message: Hashable>(
  _ fields: JSONObject, _ parse: (JSONObject) throws -> Message, _ write: (Message) -> JSONObject
) throws {
  guard let message = try? parse(fields) else { return }
  let written = write(message)
  try require((try? parse(written)) == message, "it is another again: \(JSON.object(written).text)")
}
