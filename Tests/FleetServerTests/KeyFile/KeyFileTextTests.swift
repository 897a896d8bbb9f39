import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct KeyFileTextTests {
  @Test func operatorsEnrollKeysDevicesInAFixedOrderUnderACount() throws {
    let command = ForcedCommand(executable: "/f")
    func device(_ number: Int) throws -> KeyFileText.Device {
      KeyFileText.Device(
        id: DeviceID(random: UInt64(number)), port: try #require(TCPPort(number)), key: try sampleKey(number))
    }
    func person(_ name: String, _ number: Int) throws -> KeyFileText.Operator {
      KeyFileText.Operator(name: try OperatorName(validating: name), key: try sampleKey(number))
    }
    let text = KeyFileText.render(
      devices: [try device(20002), try device(20001)], operators: [try person("bob", 2), try person("alice", 1)],
      enrollKeys: [KeyFileText.EnrollKey(id: EnrollKeyID(random: 7), key: try sampleKey(7))], command: command)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 7 && lines[6].isEmpty)
    #expect(lines[1].hasSuffix("fleet-operator:alice") && lines[2].hasSuffix("fleet-operator:bob"))
    #expect(lines[3].hasSuffix("fleet-enroll-key:00000007"))
    #expect(lines[4].contains("127.0.0.1:20001") && lines[5].contains("127.0.0.1:20002"))
    #expect(KeyFileText.deviceCount(in: text.utf8) == 2)
    #expect(
      KeyFileText.deviceCount(in: try ManagedBlock.replacing(in: Array("ssh-rsa AAAA me\n".utf8), with: text.utf8)) == 2
    )
  }

  @Test func aDeviceWithTwoKeysHasTwoLinesAndCountsOnce() throws {
    let port = try #require(TCPPort(20001))
    let id = DeviceID(random: 1)
    let text = KeyFileText.render(
      devices: [
        KeyFileText.Device(id: id, port: port, key: try sampleKey(2), standing: .next),
        KeyFileText.Device(id: id, port: port, key: try sampleKey(1), standing: .replace),
      ], operators: [], command: ForcedCommand(executable: "/f"))
    let lines = text.split(separator: "\n")
    #expect(lines.count == 3 && KeyFileText.deviceCount(in: text.utf8) == 1)
    #expect(lines[1].contains("20001 replace\"") && lines[2].contains("20001 next\""))
  }

  @Test func noCountWithoutAHeader() {
    #expect(KeyFileText.deviceCount(in: "".utf8) == nil)
    #expect(KeyFileText.deviceCount(in: "# fleet-server devices=many\n".utf8) == nil)
  }
}
