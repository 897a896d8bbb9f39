import FleetProtocol
import Glibc

/// What operators ask about commands that wait for devices.
struct CommandQueue {
  let actor: AuditActor
  let registry: Registry

  private var now_s: Int64 { Int64(time(nil)) }

  func add() throws(Refusal) {
    let now_s = now_s
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try QueueBody(parsing: line)
      try Self.checkThatItCanBeListed(body)
      return body
    }
    let id = try registry.addToQueue(body, by: actor, now_s: now_s) { QueueID(random: .random(in: .min ... .max)) }
    try ReplyOutput.write(
      .ok(["id": .string(id.rawValue), "expires": .string(Timestamp(seconds: now_s + body.expires_s).description)]))
  }

  func list() throws(Refusal) {
    let now_s = now_s
    let commands = try registry.queue(of: actor, now_s: now_s)
    try ReplyOutput.write(
      ["count": .integer(Int64(commands.count)), "now": .string(Timestamp(seconds: now_s).description)],
      lines: commands.map(\.object))
  }

  func take(_ id: QueueID, _ device: DeviceName) throws(Refusal) {
    let command = try registry.takeFromQueue(id, device, by: actor, now_s: now_s)
    try ReplyOutput.write(.ok(["command": .string(command)]))
  }

  func report(_ id: QueueID, _ device: DeviceName) throws(Refusal) {
    let body = try RequestBody.read { (line) throws(JSONError) in try QueueDoneBody(parsing: line) }
    try registry.reportToQueue(id, device, status: body.status, by: actor, now_s: now_s)
    try ReplyOutput.write(.ok([:]))
  }

  func cancel(_ id: QueueID) throws(Refusal) {
    try ReplyOutput.write(.ok(["count": .integer(Int64(try registry.cancelInQueue(id, by: actor, now_s: now_s)))]))
  }

  /// Control characters take six bytes each in JSON, and an entry has more members than the request.
  private static func checkThatItCanBeListed(_ body: QueueBody) throws(JSONError) {
    guard JSON.string(body.command).text.utf8.count + 1024 <= Limits.line else {
      throw JSONError("'command' has too many control characters")
    }
  }
}
