import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

@Suite struct KeyFileTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let registry: Registry
  private let account: Account

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
    registry = try Registry.create(home)
    account = Account(
      name: try LoginName(validating: "fleet"), uid: geteuid(), homeFolder: folder.path, shell: "/bin/sh")
  }

  private func keyFile(_ mode: HostSettings.SSHDMode) throws -> KeyFile {
    let settings = HostSettings(
      address: "hosta.example", listen: try #require(ListenAddress(parsing: "0.0.0.0:2222")),
      ports: try #require(PortRange(parsing: "20000-29999")), sshdMode: mode, account: account.name)
    return try KeyFile(home: home, settings: settings, account: account, executable: "/abs/fleet-server")
  }

  private func provision(_ number: Int) throws { try provision(number, in: registry) }

  private func provision(_ number: Int, in registry: Registry) throws(Refusal) {
    guard let range = PortRange(parsing: "20000-29999"), let body = try? sampleBody(number) else {
      preconditionFailure("a range and a key")
    }
    _ = try registry.provision(
      try DeviceName(validating: "box-\(number)"), body: body, id: DeviceID(random: UInt64(number)), range: range,
      portsInUse: [], by: .host, now_s: 1)
  }

  @Test func theFileFollowsTheRegistry() throws {
    let file = try keyFile(.private)
    try file.update(from: registry)
    #expect(FileReading.line(of: home.authorizedKeys)?.hasPrefix("# fleet-server devices=0") == true)
    try provision(1)
    try file.update(from: registry)
    let text = try #require(FileReading.line(of: home.authorizedKeys))
    #expect(text.contains("permitlisten=\"127.0.0.1:20000\"") && text.contains("device \(DeviceID(random: 1)) 20000"))
    #expect(!text.contains("--home"))
    let mode = try FileManager.default.attributesOfItem(atPath: home.authorizedKeys)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func aRewriteThatWasMissedIsMadeUpByTheNext() throws {
    try provision(1)
    try provision(2)
    try FileReplacement.write("half of a li".utf8, to: home.authorizedKeys + ".new", durable: false)
    try keyFile(.private).update(from: registry)
    #expect(KeyFileText.deviceCount(in: try #require(try FileReading.bytes(of: home.authorizedKeys))) == 2)
  }

  @Test func aChangeForWhichTheKeyFileHasNoRoomIsNone() throws {
    let file = try keyFile(.private)
    try file.update(from: registry)
    let before = try FileReading.bytes(of: home.authorizedKeys)
    // The same error as from a full disk: the new text cannot be written beside the old one.
    mkdir(home.authorizedKeys + ".new", 0o700)
    let refusal = #expect(throws: Refusal.self) {
      try file.change(registry) { (registry) throws(Refusal) in try provision(1, in: registry) }
    }
    #expect(refusal?.code == .ioFailed)
    #expect(try registry.devices().isEmpty && FileReading.bytes(of: home.authorizedKeys) == before)
    rmdir(home.authorizedKeys + ".new")
    try file.change(registry) { (registry) throws(Refusal) in try provision(1, in: registry) }
    #expect(KeyFileText.deviceCount(in: try #require(try FileReading.bytes(of: home.authorizedKeys))) == 1)
    #expect(access(home.authorizedKeys + ".new", F_OK) != 0)
  }

  @Test func aChangeThatIsRefusedLeavesTheKeyFile() throws {
    let file = try keyFile(.private)
    try file.change(registry) { (registry) throws(Refusal) in try provision(1, in: registry) }
    let before = try FileReading.bytes(of: home.authorizedKeys)
    #expect(throws: Refusal.self) {
      try file.change(registry) { (registry) throws(Refusal) in
        try registry.removeDevice(try DeviceName(validating: "nobody"), by: .host, now_s: 1)
      }
    }
    #expect(try FileReading.bytes(of: home.authorizedKeys) == before)
    #expect(access(home.authorizedKeys + ".new", F_OK) != 0)
  }

  @Test func anUnchangedFileIsNotWrittenAgain() throws {
    let file = try keyFile(.private)
    try file.update(from: registry)
    let inode = try FileManager.default.attributesOfItem(atPath: home.authorizedKeys)[.systemFileNumber] as? Int
    try file.update(from: registry)
    #expect(try FileManager.default.attributesOfItem(atPath: home.authorizedKeys)[.systemFileNumber] as? Int == inode)
  }

  @Test func inTheSystemModeOnlyTheBlockIsOurs() throws {
    let path = folder.path + "/.ssh/authorized_keys"
    try FileManager.default.createDirectory(atPath: folder.path + "/.ssh", withIntermediateDirectories: false)
    let mine = "# my keys\n\(try sampleKey(50)) me@home\n"
    try mine.write(toFile: path, atomically: true, encoding: .utf8)
    let file = try keyFile(.system)
    try provision(1)
    try file.update(from: registry)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix(mine + "# BEGIN fleet-server\n") && text.hasSuffix("# END fleet-server\n"))
    #expect(text.contains("exec /abs/fleet-server --home \(home.path) device"))
    #expect(throws: Refusal.self) { try file.refuseForeign(try sampleKey(50)) }
    try file.refuseForeign(try sampleKey(1))
  }
}
