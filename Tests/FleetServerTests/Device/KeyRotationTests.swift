import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// HostA loses its power between the registry and the key file, and the device asks again.
@Suite struct KeyRotationTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let registry: Registry
  private let device: DeviceID

  init() throws {
    folder = try TemporaryFolder()
    let server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
    home = Home(path: server.home)
    let result = try server.request("provision kitchen-pi", body: try sampleBody(10).line + "\n")
    guard case .ok(let fields) = try result.reply() else { throw Refusal(.ioFailed, "\(result.output)") }
    device = try ProvisionReply(fields).device
    registry = try Registry.open(home)
  }

  private func ask(_ standing: DeviceKeyStanding, _ number: Int) throws -> RotateKeyReply.State {
    let found = try #require(ProcessTable.process(getpid())).stat
    let sshd = ProcessIdentity(pid: found.pid, startTime: found.startTime, bootID: ProcessTable.bootID())
    return try KeyRotation(home: home, device: device, standing: standing, sshd: sshd).run(try sampleKey(number)).state
  }

  private func registryAlone(_ standing: DeviceKeyStanding, _ number: Int) throws {
    _ = try registry.rotateKey(of: device, to: try sampleKey(number), standing: standing, from: nil, now_s: 1)
  }

  private func keysLetIn() throws -> Set<Int> {
    let text = try String(contentsOfFile: home.authorizedKeys, encoding: .utf8)
    return Set(try [10, 11, 12].filter { text.contains(try sampleKey($0).base64) })
  }

  @Test func whatWasCutOffIsMadeUpByAskingAgain() throws {
    try registryAlone(.current, 11)
    #expect(try keysLetIn() == [10], "only the old key opens HostA, and the device still has it")
    #expect(try ask(.current, 11) == .pending)
    #expect(try keysLetIn() == [10, 11])
    try registryAlone(.next, 11)
    #expect(try keysLetIn() == [10, 11], "the new key opens HostA as before")
    #expect(try ask(.next, 11) == .current)
    #expect(try keysLetIn() == [11])
  }

  @Test func aDeviceThatLostItsSecondKeyMakesAThird() throws {
    #expect(try ask(.current, 11) == .pending)
    #expect(try ask(.current, 12) == .pending)
    #expect(try keysLetIn() == [10, 12])
    #expect(throws: Refusal.self) { try ask(.next, 11) }
    #expect(try ask(.next, 12) == .current)
    #expect(try keysLetIn() == [12])
  }
}
