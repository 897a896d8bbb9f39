import FleetProtocol

/// Everything that makes a box a device, or lets it become one: the files of one folder.
struct DeviceBundle {
  let folderName: String
  /// Names and bytes.
  var files: [String: [UInt8]]

  /// What lies beside every agent: how it is installed, and the agent itself.
  private static func installation(_ files: DeviceFiles, agent: String) throws(Refusal) -> [String: [UInt8]] {
    var content: [String: [UInt8]] = [:]
    for name in DeviceFiles.names { content[name] = try files.content(of: name) }
    content["fleet-agent"] = try FileStore.content(of: agent, limit: 1 << 30) ?? []
    return content
  }

  /// For one device.
  static func device(_ configuration: AgentConfiguration, key: [UInt8], files: DeviceFiles, agent: String)
    throws(Refusal) -> DeviceBundle
  {
    var content = try installation(files, agent: agent)
    content["agent.json"] = Array(configuration.text.utf8)
    content[configuration.keyFile] = key
    return DeviceBundle(folderName: folderName(configuration.name), files: content)
  }

  /// For one device on which the agent does not run.
  static func shell(_ settings: ShellSettings, key: [UInt8], files: DeviceFiles) throws(Refusal) -> DeviceBundle {
    DeviceBundle(
      folderName: folderName(settings.name),
      files: try ShellBundle(settings: settings, key: key, files: files).content())
  }

  /// For many boxes, each of which makes its own key.
  static func enrollment(_ configuration: EnrollmentConfiguration, key: [UInt8], files: DeviceFiles, agent: String)
    throws(Refusal) -> DeviceBundle
  {
    var content = try installation(files, agent: agent)
    content["enroll.json"] = Array(configuration.text.utf8)
    content[configuration.keyFile] = key
    return DeviceBundle(folderName: "fleet-agent-enroll", files: content)
  }

  static func folderName(_ device: DeviceName) -> String { "fleet-agent-\(device)" }

  /// How to be allowed what with a file of this name.
  static func mode(of name: String) -> UInt16 { name == "fleet-agent" || name.hasSuffix(".sh") ? 0o755 : 0o600 }

  /// The whole archive.
  func archive(modified_s: Int64) -> [UInt8] {
    var bytes = TarArchive.folder(folderName, modified_s: modified_s)
    for (name, content) in files.sorted(by: { $0.key < $1.key }) {
      bytes += TarArchive.file("\(folderName)/\(name)", content, mode: Self.mode(of: name), modified_s: modified_s)
    }
    return bytes + TarArchive.end
  }
}
