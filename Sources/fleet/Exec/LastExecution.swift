import FleetProtocol

/// What the last `fleet exec` did, as it is kept for `--retry-failed`: a line for the command, then one for each device.
struct LastExecution: Hashable {
  let command: String
  let user: LoginName?
  /// The devices on which it did not succeed. One that has it queued is not among them: it gets it from there.
  let failed: [DeviceName]

  init(command: String, user: LoginName?, failed: [DeviceName]) {
    self.command = command
    self.user = user
    self.failed = failed
  }

  init(command: String, user: LoginName?, _ results: [(job: ExecJob, outcome: ExecOutcome)]) {
    let failed = results.filter { ![.ok, .queued].contains($0.outcome.state) }.map(\.job.device)
    self.init(command: command, user: user, failed: failed)
  }

  /// The longest command that is run: what a Linux system takes as one word, with room to spare.
  static let longestCommand = 100_000

  var text: String {
    let head = JSON.object([
      "v": .integer(Reply.version), "command": .string(command), "user": JSON(user?.rawValue),
    ])
    return ([head.text] + failed.map(\.rawValue)).joined(separator: "\n") + "\n"
  }

  /// Throws `configuration-invalid`.
  init(parsing text: some Collection<UInt8>) throws(Refusal) {
    var lines = text.split(separator: UInt8(ascii: "\n"))
    do {
      guard !lines.isEmpty,
        case .object(let head) = try JSON(parsing: lines.removeFirst(), limit: 8 * Self.longestCommand)
      else { throw JSONError("it is empty") }
      _ = try head.integer("v", in: Reply.version...Reply.version)
      command = try head.string("command", limit: Self.longestCommand)
      user = try head.optionalString("user").map { try LoginName(validating: $0) }
      failed = try lines.map { try DeviceName(validating: String(decoding: $0, as: UTF8.self)) }
    } catch {
      throw Refusal(
        .configurationInvalid, "what was kept of the last run is not understood",
        hint: "name the devices and the command again")
    }
  }
}
