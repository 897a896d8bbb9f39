import Testing

@testable import FleetAgent

@Suite struct MachineIdentityTests {
  @Test func isTheSerialNumberElseTheAddressElseTheSystemsOwn() {
    let mac = "b8:27:eb:00:00:01"
    #expect(MachineIdentity(serial: "10000000abcd", mac: mac, machineID: "m")?.text == "serial 10000000abcd\n")
    #expect(MachineIdentity(serial: nil, mac: mac, machineID: "m")?.text == "mac \(mac)\n")
    #expect(MachineIdentity(serial: nil, mac: nil, machineID: "m")?.text == "machine-id m\n")
    #expect(MachineIdentity(serial: nil, mac: nil, machineID: nil) == nil)
  }

  @Test(arguments: [
    "", "0", "00000000", "----", "To Be Filled By O.E.M.", "Default string", "System Serial Number", "None", "xxxxxxxx",
    "0123456789", " \t ",
  ])
  func isNotWhatThousandsOfBoxesHaveInCommon(serial: String) {
    #expect(MachineIdentity(serial: serial, mac: "b8:27:eb:00:00:01", machineID: nil)?.text.hasPrefix("mac ") == true)
  }

  @Test func namesThisMachineTheSameTwice() {
    #expect(HardwareFacts.identity == HardwareFacts.identity)
    if let mac = HardwareFacts.mac { #expect(mac.utf8.count == 17 && mac.split(separator: ":").count == 6) }
  }
}
