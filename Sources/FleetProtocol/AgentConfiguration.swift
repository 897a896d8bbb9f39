/// The agent's configuration file, `agent.json`: written when a device is provisioned, read by its agent.
public struct AgentConfiguration: Hashable, Sendable {
  public var device: DeviceID
  public var name: DeviceName
  /// The port on HostA's loopback that is leased to the device.
  public var port: TCPPort
  public var host: HostAddress
  /// The private key's file, relative to the configuration's folder unless absolute.
  public var keyFile: String
  /// The port of the device's own sshd on 127.0.0.1.
  public var sshdPort: TCPPort
  public var profile: TrafficProfile
  /// How often to send a keepalive to HostA, in seconds; the profile's unless the file says otherwise.
  public var keepalive_s: Int
  /// Whether HostA takes the device's host keys from its first claim.
  public var reportHostKeys: Bool

  public init(
    device: DeviceID, name: DeviceName, port: TCPPort, host: HostAddress, keyFile: String, sshdPort: TCPPort,
    profile: TrafficProfile = .normal, keepalive_s: Int? = nil, reportHostKeys: Bool
  ) {
    self.device = device
    self.name = name
    self.port = port
    self.host = host
    self.keyFile = keyFile
    self.sshdPort = sshdPort
    self.profile = profile
    self.keepalive_s = keepalive_s ?? profile.keepalive_s
    self.reportHostKeys = reportHostKeys
  }

  /// Parses the whole file. Throws `configuration-invalid`.
  public init(parsing text: some Collection<UInt8>) throws(Refusal) {
    do throws(JSONError) {
      let object = try JSONObject(parsingBody: text)
      guard let device = DeviceID(try object.string("device")) else { throw JSONError("'device' is not an identity") }
      self.device = device
      let name = try object.string("name")
      do { self.name = try DeviceName(validating: name) } catch { throw JSONError(error.message) }
      port = try object.port("port")
      host = try HostAddress(try object.object("host"))
      keyFile = try object.string("key_file", limit: 4096)
      sshdPort = try object.port("sshd_port")
      let profile = try object.optionalString("profile").map(TrafficProfile.init) ?? .normal
      guard let profile else {
        let names = TrafficProfile.allCases.map(\.rawValue).joined(separator: " or ")
        throw JSONError("'profile' must be \(names)")
      }
      self.profile = profile
      keepalive_s = try object.optionalInteger("keepalive_s", in: 1...3600).map { Int($0) } ?? profile.keepalive_s
      reportHostKeys = try object.flag("report_host_keys")
    } catch {
      throw Refusal(
        .configurationInvalid, "the agent's configuration is not understood: \(error)",
        hint: "provision the device again, which writes the file anew")
    }
  }

  /// The file's text, with a newline at its end.
  public var text: String {
    var object: JSONObject = [
      "v": .integer(Reply.version), "device": .string(device.rawValue), "name": .string(name.rawValue),
      "port": .integer(Int64(port.rawValue)), "host": .object(host.object), "key_file": .string(keyFile),
      "sshd_port": .integer(Int64(sshdPort.rawValue)), "profile": .string(profile.rawValue),
      "report_host_keys": .bool(reportHostKeys),
    ]
    if keepalive_s != profile.keepalive_s { object["keepalive_s"] = .integer(Int64(keepalive_s)) }
    return JSON.object(object).text + "\n"
  }
}
