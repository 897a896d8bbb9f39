import FleetProtocol
import Testing

/// What operators ask with `select`, `log` and the queue.
@Suite struct OperatorMessageTests {
  private let kitchen: DeviceName
  private let time = Timestamp(seconds: 1_767_323_045)

  init() throws { kitchen = try DeviceName(validating: "kitchen-pi") }

  @Test func aSelectionIsReadAsItIsWritten() throws {
    for words in [[], ["kitchen-*", "!tag=old", "state=online"]] {
      let body = SelectBody(selector: try DeviceSelector(words))
      #expect(try SelectBody(parsing: body.line.utf8) == body)
    }
  }

  @Test(arguments: ["{}", #"{"v":1,"select":"a"}"#, #"{"v":1,"select":[1]}"#, #"{"v":1,"select":["A"]}"#])
  func aSelectionThatIsNoneIsRefused(_ line: String) {
    #expect(throws: JSONError.self) { try SelectBody(parsing: line.utf8) }
  }

  @Test func aQuestionForTheLogIsReadAsItIsWritten() throws {
    for body in [
      LogBody(device: kitchen, since: time, limit: 1), LogBody(device: nil, since: nil, limit: LogBody.mostEntries),
    ] { #expect(try LogBody(parsing: body.line.utf8) == body) }
  }

  @Test(arguments: [
    #"{"v":1}"#, #"{"v":1,"limit":0}"#, #"{"v":1,"limit":10001}"#, #"{"v":1,"limit":1,"device":"A"}"#,
    #"{"v":1,"limit":1,"since":"yesterday"}"#, #"{"limit":1}"#,
  ])
  func aQuestionThatIsNoneIsRefused(_ line: String) {
    #expect(throws: JSONError.self) { try LogBody(parsing: line.utf8) }
  }

  @Test func anEntryIsReadAsItIsWritten() throws {
    for entry in [
      LogEntry(at: time, actor: "host", action: "operator-add", detail: "bob, viewer"),
      LogEntry(
        at: time, actor: "anna", action: "connect", device: "kitchen-pi", remoteAddress: "203.0.113.7", duration_s: 62,
        bytesToDevice: 4096, bytesFromDevice: 20480),
    ] { #expect(try LogEntry(entry.object) == entry) }
  }

  @Test func aCommandForTheQueueIsReadAsItIsWritten() throws {
    let body = QueueBody(command: "echo \"ü\"\n; true", devices: [kitchen], expires_s: 60)
    #expect(try QueueBody(parsing: body.line.utf8) == body)
    #expect(try QueueDoneBody(parsing: QueueDoneBody(status: 255).line.utf8).status == 255)
  }

  @Test(arguments: [
    #"{"v":1,"command":"","devices":["a"],"expires_s":1}"#, #"{"v":1,"command":"x","devices":[],"expires_s":1}"#,
    #"{"v":1,"command":"x","devices":["A"],"expires_s":1}"#, #"{"v":1,"command":"x","devices":["a"],"expires_s":0}"#,
    #"{"v":1,"command":"x","devices":["a"],"expires_s":31622401}"#, #"{"v":1,"command":"x","expires_s":1}"#,
  ])
  func aCommandThatIsNoneIsRefused(_ line: String) {
    #expect(throws: JSONError.self) { try QueueBody(parsing: line.utf8) }
  }

  @Test func aCommandIsNeitherTooLongNorForTooMany() throws {
    let long = QueueBody(command: String(repeating: "x", count: 8193), devices: [kitchen], expires_s: 1)
    #expect(throws: JSONError.self) { try QueueBody(parsing: long.line.utf8) }
    let many = QueueBody(command: "x", devices: [DeviceName](repeating: kitchen, count: 201), expires_s: 1)
    #expect(throws: JSONError.self) { try QueueBody(parsing: many.line.utf8) }
  }

  @Test(arguments: [#"{"v":1}"#, #"{"v":1,"status":-1}"#, #"{"v":1,"status":256}"#, #"{"v":1,"status":"0"}"#])
  func aStatusThatIsNoneIsRefused(_ line: String) {
    #expect(throws: JSONError.self) { try QueueDoneBody(parsing: line.utf8) }
  }

  @Test func anEntryOfTheQueueIsReadAsItIsWritten() throws {
    let id = QueueID(random: 0xAB)
    #expect(id.rawValue == "000000ab")
    for state in QueueState.allCases {
      let command = QueuedCommand(
        id: id, device: kitchen, command: "true", state: state, added: time, expires: Timestamp(seconds: 1_767_400_000),
        taken: state == .done ? time : nil, status: state == .done ? 3 : nil)
      #expect(try QueuedCommand(command.object) == command)
    }
  }

  @Test(arguments: ["", "0", "0000000g", "0000000A", "000000000", "../../.."])
  func anIdentityThatIsNoneIsRefused(_ text: String) {
    #expect { try QueueID(validating: text) } throws: { ($0 as? Refusal)?.code == .nameInvalid }
  }

  /// What `list` writes without a tree is what the tree would have been.
  @Test func aDeviceIsWrittenTheSameWayTwice() throws {
    let status = DeviceStatus(
      name: kitchen, id: DeviceID(random: 7), port: try #require(TCPPort(20007)),
      user: try LoginName(validating: "pi"), tags: ["b": "\"\\", "a": ""], state: .online, note: "two\nlines\u{7F}",
      lastSeen: time, rtt_ms: 23.4, remoteAddress: "203.0.113.9", agentVersion: "ü\u{1}", bytesReceived: 1,
      bytesSent: .max, facts: ["os": "\t\u{2028}"], enrolled: true, provisioned: time)
    var bytes: [UInt8] = []
    status.write(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == JSON.object(status.object).text)
    guard case .object(let object) = try JSON(parsing: bytes) else { return try #require(Bool(false)) }
    #expect(try DeviceStatus(object) == status)
  }
}
