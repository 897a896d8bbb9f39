/// The body of `queue-add`: a command for devices that are not there now.
public struct QueueBody: Hashable, Sendable {
  /// As the device's login shell takes it.
  public var command: String
  public var devices: [DeviceName]
  /// Seconds from now after which it is not run any more.
  public var expires_s: Int64

  /// The longest command in bytes, the most devices, and the longest `expires_s`: a year.
  public static let longestCommand = 8192
  public static let mostDevices = 200
  public static let longestExpiry_s: Int64 = 366 * 86_400

  public init(command: String, devices: [DeviceName], expires_s: Int64) {
    self.command = command
    self.devices = devices
    self.expires_s = expires_s
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    command = try object.string("command", limit: Self.longestCommand)
    guard !command.isEmpty else { throw JSONError("'command' is empty") }
    devices = try object.strings("devices", count: Self.mostDevices, limit: 63).map { (text) throws(JSONError) in
      do { return try DeviceName(validating: text) } catch { throw JSONError("'devices' holds what is no device name") }
    }
    guard !devices.isEmpty else { throw JSONError("'devices' names none") }
    expires_s = try object.integer("expires_s", in: 1...Self.longestExpiry_s)
  }

  public var line: String {
    JSON.object([
      "v": .integer(Reply.version), "command": .string(command), "devices": JSON(devices.map(\.rawValue)),
      "expires_s": .integer(expires_s),
    ]).text
  }
}

/// The body of `queue-done`: how a command that was taken has ended.
public struct QueueDoneBody: Hashable, Sendable {
  /// The command's exit status, 0 to 255.
  public var status: Int64

  public init(status: Int64) { self.status = status }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    status = try JSONObject(parsingBody: line).integer("status", in: 0...255)
  }

  public var line: String {
    JSON.object(["v": .integer(Reply.version), "status": .integer(status)]).text
  }
}

/// How far a queued command has come on one device.
public enum QueueState: String, CaseIterable, Sendable {
  /// It was not begun.
  case waiting
  /// Somebody's `fleet` has begun it, and has not said how it ended: it may have run.
  case taken
  /// It has run, with a status.
  case done
  /// Its time was over before the device was there.
  case expired
}

/// A queued command on one device, as `queue` lists it.
public struct QueuedCommand: Hashable, Sendable {
  public var id: QueueID
  public var device: DeviceName
  public var command: String
  public var state: QueueState
  public var added: Timestamp
  public var expires: Timestamp
  /// When it was taken; `nil` while it waits.
  public var taken: Timestamp?
  /// The command's exit status, once it is `done`.
  public var status: Int64?

  public init(
    id: QueueID, device: DeviceName, command: String, state: QueueState, added: Timestamp, expires: Timestamp,
    taken: Timestamp? = nil, status: Int64? = nil
  ) {
    self.id = id
    self.device = device
    self.command = command
    self.state = state
    self.added = added
    self.expires = expires
    self.taken = taken
    self.status = status
  }

  public init(_ object: JSONObject) throws(JSONError) {
    do {
      id = try QueueID(validating: try object.string("id"))
      device = try DeviceName(validating: try object.string("device"))
    } catch {
      throw JSONError("'id' or 'device' is not a name")
    }
    command = try object.string("command", limit: QueueBody.longestCommand)
    guard let state = QueueState(rawValue: try object.string("state")) else { throw JSONError("'state' is not known") }
    self.state = state
    guard let added = Timestamp(parsing: try object.string("added")),
      let expires = Timestamp(parsing: try object.string("expires"))
    else { throw JSONError("'added' or 'expires' is not a time") }
    self.added = added
    self.expires = expires
    taken = try object.optionalString("taken").flatMap { Timestamp(parsing: $0) }
    status = try object.optionalInteger("status", in: 0...255)
  }

  public var object: JSONObject {
    [
      "id": .string(id.rawValue), "device": .string(device.rawValue), "command": .string(command),
      "state": .string(state.rawValue), "added": .string(added.description), "expires": .string(expires.description),
      "taken": JSON(taken?.description), "status": status.map { .integer($0) } ?? .null,
    ]
  }
}
