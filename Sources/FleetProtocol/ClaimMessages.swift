/// What an agent says of itself when it claims its port.
public struct ClaimBody: Hashable, Sendable {
  public var agentVersion: String
  /// The device's `/proc/sys/kernel/random/boot_id`; two boxes with one key differ in it.
  public var bootID: String
  /// How often the agent sends a keepalive, in seconds. Presence calls a tunnel stale after three of them.
  public var keepalive_s: Int
  public var profile: TrafficProfile
  /// What the machine is: `hostname`, `os`, `arch`, `kernel`.
  public var facts: [String: String]
  /// The keys of the device's own sshd, once they are known and if the configuration says that HostA has none yet.
  public var hostKeys: [PublicKey]

  public init(
    agentVersion: String, bootID: String, keepalive_s: Int, profile: TrafficProfile = .normal,
    facts: [String: String], hostKeys: [PublicKey]
  ) {
    self.agentVersion = agentVersion
    self.bootID = bootID
    self.keepalive_s = keepalive_s
    self.profile = profile
    self.facts = facts
    self.hostKeys = hostKeys
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    agentVersion = try object.string("agent_version", limit: Limits.text)
    bootID = try object.string("boot_id", limit: Limits.text)
    keepalive_s = Int(try object.integer("keepalive_s", in: 1...3600))
    // A profile that only a newer agent knows must not keep its device out.
    profile = try object.optionalString("profile").flatMap(TrafficProfile.init) ?? .normal
    facts = try object.stringMap("facts", count: Limits.facts, limit: Limits.text)
    hostKeys = try object.hostKeys("host_keys")
  }

  /// Reads what `object` has written.
  public init(_ reader: inout JSONReader) throws(JSONError) {
    self.init(agentVersion: "", bootID: "", keepalive_s: 0, facts: [:], hostKeys: [])
    try reader.object { (name, reader) throws(JSONError) in
      switch name {
      case "agent_version": agentVersion = try reader.string()
      case "boot_id": bootID = try reader.string()
      case "keepalive_s": keepalive_s = Int(try reader.integer(in: 1...3600))
      case "profile": profile = TrafficProfile(rawValue: try reader.string()) ?? .normal
      case "facts":
        try reader.object { (fact, reader) throws(JSONError) in facts[fact] = try reader.string() }
      case "host_keys":
        try reader.array { (reader) throws(JSONError) in
          do { hostKeys.append(try PublicKey(parsing: try reader.string())) } catch {
            throw JSONError("'host_keys' holds something that is not a public key")
          }
        }
      default: _ = try reader.value()
      }
    }
    guard keepalive_s > 0 else { throw JSONError("'keepalive_s' is missing") }
  }

  public var line: String { JSON.object(object).text }

  public var object: JSONObject {
    [
      "v": .integer(Reply.version), "agent_version": .string(agentVersion), "boot_id": .string(bootID),
      "keepalive_s": .integer(Int64(keepalive_s)), "profile": .string(profile.rawValue), "facts": JSON(facts),
      "host_keys": JSON(hostKeys.map(\.description)),
    ]
  }
}

/// The answer to a claim that was granted: the port is free and the forward may be asked for now.
public struct ClaimReply: Hashable, Sendable {
  public var port: TCPPort
  /// Within how many seconds an agent should spread its return after HostA was away.
  public var reconnectWindow_s: Int
  /// Whether an older connection of the same device was ended.
  public var tookOver: Bool
  /// Whether HostA wants the device to replace its key, by `rotate-key`, as soon as it can.
  public var rotateKey: Bool

  public init(port: TCPPort, reconnectWindow_s: Int, tookOver: Bool, rotateKey: Bool = false) {
    self.port = port
    self.reconnectWindow_s = reconnectWindow_s
    self.tookOver = tookOver
    self.rotateKey = rotateKey
  }

  public init(_ fields: JSONObject) throws(JSONError) {
    port = try fields.port("port")
    reconnectWindow_s = Int(try fields.integer("reconnect_window_s", in: 0...86400))
    tookOver = try fields.flag("took_over")
    rotateKey = try fields.flag("rotate_key")
  }

  public var fields: JSONObject {
    [
      "port": .integer(Int64(port.rawValue)), "reconnect_window_s": .integer(Int64(reconnectWindow_s)),
      "took_over": .bool(tookOver), "rotate_key": .bool(rotateKey),
    ]
  }
}

/// What an agent reports while its tunnel is up.
public struct ReportBody: Hashable, Sendable {
  /// How the device's own sshd is.
  public enum DeviceSSHD: String, Sendable { case up, down }

  public var sshd: DeviceSSHD
  /// The keys of the device's own sshd, where they were not known yet when this connection claimed; none otherwise.
  public var hostKeys: [PublicKey]

  public init(sshd: DeviceSSHD, hostKeys: [PublicKey] = []) {
    self.sshd = sshd
    self.hostKeys = hostKeys
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    guard let sshd = DeviceSSHD(rawValue: try object.string("sshd", limit: Limits.text)) else {
      throw JSONError("'sshd' must be 'up' or 'down'")
    }
    self.sshd = sshd
    hostKeys = try object.hostKeys("host_keys")
  }

  public var line: String {
    var object: JSONObject = ["v": .integer(Reply.version), "sshd": .string(sshd.rawValue)]
    if !hostKeys.isEmpty { object["host_keys"] = JSON(hostKeys.map(\.description)) }
    return JSON.object(object).text
  }
}

extension JSONObject {
  /// Parses a request's body: one line holding an object of this protocol's version.
  public init(parsingBody line: some Collection<UInt8>) throws(JSONError) {
    guard case .object(let object) = try JSON(parsing: line) else { throw JSONError("not an object") }
    _ = try object.integer("v", in: Reply.version...Reply.version)
    self = object
  }

  /// A member that must be there and be a port.
  public func port(_ name: String) throws(JSONError) -> TCPPort {
    guard let port = TCPPort(try integer(name, in: 1...65535)) else { throw JSONError("'\(name)' must be a port") }
    return port
  }

  /// Public keys, none where the member is not there.
  public func hostKeys(_ name: String) throws(JSONError) -> [PublicKey] {
    var keys: [PublicKey] = []
    for text in try strings(name, count: Limits.hostKeys, limit: Limits.publicKey + Limits.text) {
      do { keys.append(try PublicKey(parsing: text)) } catch {
        throw JSONError("'\(name)' holds something that is not a public key")
      }
    }
    return keys
  }
}
