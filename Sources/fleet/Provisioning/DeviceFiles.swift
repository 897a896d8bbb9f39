import FleetProtocol

/// The files of `provisioning/device` that go to a device.
struct DeviceFiles {
  let folder: String

  /// Everything that lies in a bundle beside the agent, its key and its configuration.
  static let names = ["install.sh", "fleet-agent.service", "fleet-agent-user.service", "README"]

  /// What a disk needs besides, so that its box installs everything when it is booted.
  static let firstBoot = "first-boot.sh"
  static let firstBootUnit = "fleet-agent-first-boot.service"
  static let cloudInitScript = "cloud-init.sh"

  /// Where the folder may be: installed beside the program, or in the checkout in which it was built.
  static func candidates(share: String?, program: String, folder name: String = "device") -> [String] {
    if let share { return ["\(share)/\(name)"] }
    var folder = program[...]
    var folders: [String] = []
    while let slash = folder.lastIndex(of: "/") {
      folder = folder[..<slash]
      if folders.isEmpty { folders.append("\(folder)/../share/fleet/\(name)") }
      folders.append("\(folder)/provisioning/\(name)")
    }
    return folders
  }

  /// Throws `tool-missing`.
  static func find() throws(Refusal) -> DeviceFiles {
    let share = LaptopEnvironment.variable("FLEET_SHARE")
    let folders = candidates(share: share, program: Platform.executablePath ?? "fleet")
    guard let folder = folders.first(where: { FileStore.exists("\($0)/install.sh") }) else {
      throw Refusal(
        .toolMissing, "the files that go to a device are not beside fleet",
        hint: "they belong into ../share/fleet/device; 'make install' puts them there, FLEET_SHARE names another place")
    }
    return DeviceFiles(folder: folder)
  }

  /// Throws `tool-missing`.
  func content(of name: String) throws(Refusal) -> [UInt8] {
    guard let content = try FileStore.content(of: "\(folder)/\(name)") else {
      throw Refusal(.toolMissing, "\(DisplayText.escaped("\(folder)/\(name)")) is missing", hint: "install fleet again")
    }
    return content
  }
}
