/// What a device may ask of HostA.
public enum DeviceRequest: String, CaseIterable, Sendable {
  /// Frees the device's port for the connection that asks.
  case claim
  /// Like `claim`, of a connection whose forward stands already; the request lasts as long as the tunnel.
  case attach
  case report
  case rotateKey = "rotate-key"

  /// Parses SSH_ORIGINAL_COMMAND. Throws `request-malformed` or `request-refused`.
  public init(parsing command: String) throws(Refusal) {
    let words = try RequestTokenizer.words(of: command)
    guard words.count == 1, let request = Self(rawValue: words[0]) else {
      throw Refusal(
        .requestRefused, "a device cannot ask for '\(DisplayText.escaped(command, limit: 60))'",
        hint: "a device's key is for its tunnel only; use an operator's key")
    }
    self = request
  }
}

/// What the holder of an enroll key may ask of HostA.
public enum EnrollKeyRequest: String, CaseIterable, Sendable {
  /// Asks for the box that has made this key to become a device.
  case join

  /// Parses SSH_ORIGINAL_COMMAND. Throws `request-malformed` or `request-refused`.
  public init(parsing command: String) throws(Refusal) {
    let words = try RequestTokenizer.words(of: command)
    guard words.count == 1, let request = Self(rawValue: words[0]) else {
      throw Refusal(
        .requestRefused, "an enroll key cannot ask for '\(DisplayText.escaped(command, limit: 60))'",
        hint: "an enroll key is for joining only; use an operator's key")
    }
    self = request
  }
}

/// What an operator may ask of HostA.
public enum OperatorRequest: Hashable, Sendable {
  case list
  case select
  case show(DeviceName)
  case log
  case auditLines
  case provision(DeviceName)
  case provisionMany
  case enroll(DeviceName)
  case connect(DeviceName)
  case rename(DeviceName, to: DeviceName)
  case tag(DeviceName)
  case replace(DeviceName)
  case remove(DeviceName)
  case rekey(DeviceName)
  case createEnrollKey
  case enrollKeys
  case removeEnrollKey(EnrollKeyID)
  case pending
  case approve(DeviceName)
  case reject(DeviceName)
  case queueAdd
  case queue
  case queueTake(QueueID, DeviceName)
  case queueDone(QueueID, DeviceName)
  case queueCancel(QueueID)
  case version

  /// Parses SSH_ORIGINAL_COMMAND. Throws `request-malformed`, `request-refused` or `name-invalid`.
  public init(parsing command: String) throws(Refusal) {
    let words = try RequestTokenizer.words(of: command)
    func name() throws(Refusal) -> DeviceName { try DeviceName(validating: words[1]) }
    func queued() throws(Refusal) -> QueueID { try QueueID(validating: words[1]) }
    switch (words[0], words.count) {
    case ("list", 1): self = .list
    case ("select", 1): self = .select
    case ("log", 1): self = .log
    case ("audit-lines", 1): self = .auditLines
    case ("version", 1): self = .version
    case ("show", 2): self = .show(try name())
    case ("provision", 2): self = .provision(try name())
    case ("provision-many", 1): self = .provisionMany
    case ("enroll", 2): self = .enroll(try name())
    case ("connect", 2): self = .connect(try name())
    case ("rename", 3): self = .rename(try name(), to: try DeviceName(validating: words[2]))
    case ("tag", 2): self = .tag(try name())
    case ("replace", 2): self = .replace(try name())
    case ("remove", 2): self = .remove(try name())
    case ("rekey", 2): self = .rekey(try name())
    case ("enroll-key-create", 1): self = .createEnrollKey
    case ("enroll-keys", 1): self = .enrollKeys
    case ("enroll-key-remove", 2): self = .removeEnrollKey(try EnrollKeyID(validating: words[1]))
    case ("pending", 1): self = .pending
    case ("approve", 2): self = .approve(try name())
    case ("reject", 2): self = .reject(try name())
    case ("queue-add", 1): self = .queueAdd
    case ("queue", 1): self = .queue
    case ("queue-take", 3): self = .queueTake(try queued(), try DeviceName(validating: words[2]))
    case ("queue-done", 3): self = .queueDone(try queued(), try DeviceName(validating: words[2]))
    case ("queue-cancel", 2): self = .queueCancel(try queued())
    default:
      throw Refusal(
        .requestRefused, "an operator cannot ask for '\(DisplayText.escaped(command, limit: 60))'",
        hint: "use the fleet command, or one of the requests of PROTOCOL.md")
    }
  }

  /// The command line that asks for it.
  public var command: String {
    switch self {
    case .list: "list"
    case .select: "select"
    case .log: "log"
    case .auditLines: "audit-lines"
    case .show(let name): "show \(name)"
    case .provision(let name): "provision \(name)"
    case .provisionMany: "provision-many"
    case .enroll(let name): "enroll \(name)"
    case .connect(let name): "connect \(name)"
    case .rename(let name, let new): "rename \(name) \(new)"
    case .tag(let name): "tag \(name)"
    case .replace(let name): "replace \(name)"
    case .remove(let name): "remove \(name)"
    case .rekey(let name): "rekey \(name)"
    case .createEnrollKey: "enroll-key-create"
    case .enrollKeys: "enroll-keys"
    case .removeEnrollKey(let id): "enroll-key-remove \(id)"
    case .pending: "pending"
    case .approve(let name): "approve \(name)"
    case .reject(let name): "reject \(name)"
    case .queueAdd: "queue-add"
    case .queue: "queue"
    case .queueTake(let id, let name): "queue-take \(id) \(name)"
    case .queueDone(let id, let name): "queue-done \(id) \(name)"
    case .queueCancel(let id): "queue-cancel \(id)"
    case .version: "version"
    }
  }
}
