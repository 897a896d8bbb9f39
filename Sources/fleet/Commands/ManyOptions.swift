import ArgumentParser
import FleetProtocol

/// Many boxes at once.
struct ManyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A CSV file with a row for each device: name,user,tags (site=berlin;kind=kiosk).", valueName: "file.csv"))
  var from: String?

  @Option(help: ArgumentHelp("With --from: where the bundles and result.csv go.", valueName: "folder"))
  var bundleDir: String?

  var isGiven: Bool { from != nil || bundleDir != nil }

  /// Throws what stopped it; nothing is done unless the whole file is good.
  func provision(user: String?, lifetime: Lifetime?, port: TCPPort, agent: String?) throws(Refusal) {
    guard let from, let bundleDir, !bundleDir.isEmpty else {
      throw Refusal(
        .usage, "--from and --bundle-dir belong together",
        hint: "fleet provision --from devices.csv --bundle-dir bundles")
    }
    guard let content = try FileStore.content(of: from, limit: 1 << 24) else {
      throw Refusal(.usage, "there is no file \(DisplayText.escaped(from))")
    }
    let list: DeviceList
    do throws(Refusal) { list = try DeviceList(parsing: content) } catch {
      throw Refusal(error.code, "\(DisplayText.escaped(from)): \(error.message)", hint: error.hint)
    }
    try ManyProvisioning(
      list: list, folder: bundleDir, user: try CarriedOptions.login(user), sshdPort: port, lifetime: lifetime,
      agent: agent, hostA: LaptopContext().hostA, files: DeviceFiles.find()
    ).run()
  }
}
