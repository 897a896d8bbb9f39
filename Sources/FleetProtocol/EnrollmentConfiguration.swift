/// The file `enroll.json` of a golden image: where a box that has no `agent.json` yet asks to become a device.
public struct EnrollmentConfiguration: Hashable, Sendable {
  public var host: HostAddress
  /// The enroll key's private file, relative to the configuration's folder unless absolute.
  public var keyFile: String
  /// The port of the box's own sshd on 127.0.0.1.
  public var sshdPort: TCPPort
  /// The profile that the box's `agent.json` gets.
  public var profile: TrafficProfile

  public init(host: HostAddress, keyFile: String, sshdPort: TCPPort, profile: TrafficProfile = .normal) {
    self.host = host
    self.keyFile = keyFile
    self.sshdPort = sshdPort
    self.profile = profile
  }

  /// Parses the whole file. Throws `configuration-invalid`.
  public init(parsing text: some Collection<UInt8>) throws(Refusal) {
    do throws(JSONError) {
      let object = try JSONObject(parsingBody: text)
      host = try HostAddress(try object.object("host"))
      keyFile = try object.string("key_file", limit: 4096)
      sshdPort = try object.port("sshd_port")
      guard let profile = TrafficProfile(rawValue: try object.optionalString("profile") ?? "normal") else {
        throw JSONError("'profile' must be \(TrafficProfile.allCases.map(\.rawValue).joined(separator: " or "))")
      }
      self.profile = profile
    } catch {
      throw Refusal(
        .configurationInvalid, "the enrollment's configuration is not understood: \(error)",
        hint: "make the image anew with 'fleet enroll-key create'")
    }
  }

  /// The file's text, with a newline at its end.
  public var text: String {
    JSON.object([
      "v": .integer(Reply.version), "host": .object(host.object), "key_file": .string(keyFile),
      "sshd_port": .integer(Int64(sshdPort.rawValue)), "profile": .string(profile.rawValue),
    ]).text + "\n"
  }
}
