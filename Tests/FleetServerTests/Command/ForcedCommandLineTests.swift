import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ForcedCommandLineTests {
  @Test func theThreeLinesOfTheKeyFile() throws {
    let device = DeviceID(random: 1)
    #expect(
      ForcedCommandLine(["device", device.rawValue, "20007"])
        == .device(device, try #require(TCPPort(20007)), .current, home: nil))
    #expect(ForcedCommandLine(["operator", "alice"]) == .operator(try OperatorName(validating: "alice"), home: nil))
    #expect(
      ForcedCommandLine(["--home", "/x", "operator", "alice"])
        == .operator(try OperatorName(validating: "alice"), home: "/x"))
    #expect(
      ForcedCommandLine(["enroll-key", "5f0c2a91"]) == .enrollKey(try EnrollKeyID(validating: "5f0c2a91"), home: nil))
  }

  @Test(arguments: [
    [], ["run"], ["operator"], ["operator", "add"], ["operator", "list"], ["operator", "remove"],
    ["operator", "--help"],
    ["operator", "add", "x"], ["operator", "Alice"], ["device"], ["device", "x", "1"],
    ["device", "0000000000000001", "0"],
    ["device", "0000000000000001"], ["device", "0000000000000001", "1", "2"], ["device", "0000000000000001", "1", ""],
    ["device", "0000000000000001", "1", "replace", "next"], ["device", "0000000000000001", "1", "current"], ["--home"],
    ["--home", "/x"],
    ["enroll-key"], ["enroll-key", "5f0c2a9"], ["enroll-key", "5F0C2A91"], ["enroll-key", "5f0c2a91", "x"],
  ])
  func everythingElseIsForPeople(_ arguments: [String]) { #expect(ForcedCommandLine(arguments) == nil) }
}
