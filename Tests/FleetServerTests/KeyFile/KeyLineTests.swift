import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct KeyLineTests {
  private let device = DeviceID(random: 0x0f3a_5c7e_9b1d_2f40)

  private func entry(_ standing: DeviceKeyStanding = .current, expires: Timestamp? = nil) throws -> KeyFileText.Device {
    KeyFileText.Device(
      id: device, port: try #require(TCPPort(20007)), key: try sampleKey(3), standing: standing, expires: expires)
  }

  @Test func aDevicesLineExactly() throws {
    let key = try sampleKey(3)
    let line = KeyLine.device(try entry(), command: ForcedCommand(executable: "/abs/fleet-server"))
    #expect(
      line
        == #"restrict,port-forwarding,permitlisten="127.0.0.1:20007",permitopen="127.0.0.1:20007",command="exec /abs/fleet-server device 0f3a5c7e9b1d2f40 20007" ssh-ed25519 "#
        + key.base64 + " fleet:0f3a5c7e9b1d2f40")
  }

  @Test func anOperatorsLineExactly() throws {
    let key = try sampleKey(4)
    let line = KeyLine.operator(
      try OperatorName(validating: "alice"), key: key, command: ForcedCommand(executable: "/abs/fleet-server"))
    #expect(
      line == #"restrict,command="exec /abs/fleet-server operator alice" ssh-ed25519 "# + key.base64
        + " fleet-operator:alice")
  }

  @Test func anEnrollKeysLineExactly() throws {
    let key = try sampleKey(5)
    let id = try EnrollKeyID(validating: "5f0c2a91")
    let line = KeyLine.enrollKey(id, key: key, command: ForcedCommand(executable: "/abs/fleet-server"))
    #expect(
      line == #"restrict,command="exec /abs/fleet-server enroll-key 5f0c2a91" ssh-ed25519 "# + key.base64
        + " fleet-enroll-key:5f0c2a91")
  }

  @Test func aFolderThatSSHDDoesNotTellStandsInTheCommand() throws {
    let command = ForcedCommand(executable: "/abs/fleet-server", home: "/srv/fleet")
    let line = KeyLine.device(try entry(), command: command)
    #expect(line.contains(#"command="exec /abs/fleet-server --home /srv/fleet device 0f3a5c7e9b1d2f40 20007""#))
    let words = ["--home", "/srv/fleet", "device", "0f3a5c7e9b1d2f40", "20007"]
    #expect(ForcedCommandLine(words) == .device(device, try #require(TCPPort(20007)), .current, home: "/srv/fleet"))
  }

  @Test(arguments: [(DeviceKeyStanding.replace, " replace"), (.next, " next"), (.current, "")])
  func howTheKeyStandsIsTheLastWord(_ standing: DeviceKeyStanding, _ word: String) throws {
    let line = KeyLine.device(try entry(standing), command: ForcedCommand(executable: "/f"))
    #expect(line.contains(#"command="exec /f device 0f3a5c7e9b1d2f40 20007\#(word)" ssh-ed25519 "#))
    let words = "device 0f3a5c7e9b1d2f40 20007\(word)".split(separator: " ").map(String.init)
    #expect(ForcedCommandLine(words) == .device(device, try #require(TCPPort(20007)), standing, home: nil))
  }

  @Test func sshdIsToldInUTCWhenAKeyExpires() throws {
    let line = KeyLine.device(
      try entry(expires: Timestamp(parsing: "2026-01-02T03:04:05Z")), command: ForcedCommand(executable: "/f"))
    #expect(line.contains(#"permitopen="127.0.0.1:20007",expiry-time="20260102030405Z",command="exec /f "#))
  }
}
