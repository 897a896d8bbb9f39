import FleetProtocol

/// The files of `provisioning/server` that go to a HostA.
struct ServerFiles {
  let folder: String

  /// Everything that lies beside fleet-server while it is installed.
  static let names = ["install.sh", "fleet-server.service", "fleet-server-user.service"]

  /// Throws `tool-missing`.
  static func find() throws(Refusal) -> ServerFiles {
    let share = LaptopEnvironment.variable("FLEET_SHARE")
    let folders = DeviceFiles.candidates(share: share, program: Platform.executablePath ?? "fleet", folder: "server")
    guard let folder = folders.first(where: { FileStore.exists("\($0)/install.sh") }) else {
      throw Refusal(
        .toolMissing, "the files that go to a HostA are not beside fleet",
        hint: "they belong into ../share/fleet/server; 'make install' puts them there, FLEET_SHARE names another place")
    }
    return ServerFiles(folder: folder)
  }

  /// Throws `tool-missing`.
  func content(of name: String) throws(Refusal) -> [UInt8] {
    guard let content = try FileStore.content(of: "\(folder)/\(name)") else {
      throw Refusal(.toolMissing, "\(DisplayText.escaped("\(folder)/\(name)")) is missing", hint: "install fleet again")
    }
    return content
  }
}
