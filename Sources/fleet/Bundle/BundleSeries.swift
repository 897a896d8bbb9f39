import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Many bundles with the same agent. The agent, nearly all of each, is compressed once, and put whole into every archive:
/// each carries everything that its box needs, and a thousand of them still fit a stick.
struct BundleSeries {
  /// What all have but the agent.
  private let installation: [String: [UInt8]]
  private let agentSize: Int
  /// The agent's bytes as a part of a gzip file.
  private let agentMember: [UInt8]
  private let modified_s: Int64

  init(agent: String, files: DeviceFiles, modified_s: Int64) throws(Refusal) {
    var content: [String: [UInt8]] = [:]
    for name in DeviceFiles.names { content[name] = try files.content(of: name) }
    installation = content
    let bytes = try FileStore.content(of: agent, limit: 1 << 30) ?? []
    agentSize = bytes.count
    let gzip = try Subprocess.run(["gzip", "-n", "-c"], input: .bytes(TarArchive.padded(bytes)))
    guard gzip.status == 0 else {
      throw Refusal(.stepFailed, "gzip failed: \(LastLine.of(gzip.errorText) ?? "no reason given")")
    }
    agentMember = gzip.output
    self.modified_s = modified_s
  }

  /// How large one archive is, roughly.
  var size: Int64 { Int64(agentMember.count) }

  /// Writes one device's archive: to `temporary`, and then in one step to its place.
  func write(_ configuration: AgentConfiguration, key: [UInt8], temporary: String, to path: String) throws(Refusal) {
    let folder = DeviceBundle.folderName(configuration.name)
    var small = installation
    small["agent.json"] = Array(configuration.text.utf8)
    small[configuration.keyFile] = key
    var head = TarArchive.folder(folder, modified_s: modified_s)
    for (name, bytes) in small.sorted(by: { $0.key < $1.key }) {
      head += TarArchive.file("\(folder)/\(name)", bytes, mode: DeviceBundle.mode(of: name), modified_s: modified_s)
    }
    head += TarArchive.fileHeader("\(folder)/fleet-agent", size: agentSize, mode: 0o755, modified_s: modified_s)
    unlink(temporary)
    do throws(Refusal) {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
      try file.write(GzipMember.stored(head))
      try file.write(agentMember)
      try file.write(GzipMember.stored(TarArchive.end))
      guard fsync(file.number) == 0, rename(temporary, path) == 0 else {
        throw .system("cannot write \(DisplayText.escaped(path))")
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }
}
