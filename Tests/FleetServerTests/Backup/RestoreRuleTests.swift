import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct RestoreRuleTests {
  private func device(_ number: Int, key: Int? = nil, _ standing: DeviceKeyStanding = .current) throws
    -> KeyFileText.Device
  {
    KeyFileText.Device(
      id: DeviceID(random: UInt64(number)), port: try TCPPort(20000 + number).unwrapped,
      key: try sampleKey(key ?? number), standing: standing)
  }

  private func alice(_ key: Int) throws -> KeyFileText.Operator {
    KeyFileText.Operator(name: try OperatorName(validating: "alice"), key: try sampleKey(key))
  }

  private func name(_ text: String) throws -> DeviceName { try DeviceName(validating: text) }

  private func steps(
    from backup: KeyFileEntries, to present: KeyFileEntries, names: [Int: String] = [1: "box-1", 2: "box-2"]
  ) throws -> [RestoreRule.Step] {
    let names = try names.map { (DeviceID(random: UInt64($0.key)), try name($0.value)) }
    return RestoreRule.steps(from: backup, names: Dictionary(uniqueKeysWithValues: names), to: present)
  }

  @Test func whatIsTheSameIsLeftAlone() throws {
    let same = KeyFileEntries(devices: [try device(1), try device(2)], operators: [try alice(90)])
    #expect(try steps(from: same, to: same).isEmpty)
  }

  @Test func whoeverIsInTheKeyFileStaysAndWhoeverIsNotStaysOut() throws {
    let backup = KeyFileEntries(devices: [try device(1), try device(2)])
    let present = KeyFileEntries(devices: [try device(2), try device(3)])
    let third = try RestoreRule.DeviceKeys([try device(3)]).unwrapped
    #expect(
      try steps(from: backup, to: present) == [
        .drop(DeviceID(random: 1), name: try name("box-1"), port: try TCPPort(20001).unwrapped),
        .recover(third, name: try name("recovered-20003")),
      ])
  }

  /// A device that was recovered, got into a backup and was followed by another one on its port.
  @Test func aRecoveredNameThatIsTakenGetsANumber() throws {
    let present = KeyFileEntries(devices: [try device(1), try device(3)])
    let recovered = try steps(
      from: KeyFileEntries(devices: [try device(1)]), to: present, names: [1: "recovered-20003"])
    #expect(
      recovered == [
        .recover(try RestoreRule.DeviceKeys([try device(3)]).unwrapped, name: try name("recovered-20003-2"))
      ])
  }

  @Test func theKeysOfTheKeyFileCount() throws {
    let backup = KeyFileEntries(devices: [try device(1, .replace), try device(2), try device(2, key: 12, .next)])
    let present = KeyFileEntries(devices: [try device(1, key: 11), try device(2)])
    #expect(
      try steps(from: backup, to: present) == [
        .takeKeys(try RestoreRule.DeviceKeys([try device(1, key: 11)]).unwrapped, name: try name("box-1")),
        .takeKeys(try RestoreRule.DeviceKeys([try device(2)]).unwrapped, name: try name("box-2")),
      ])
  }

  @Test func operatorsAndEnrollKeysGoByTheirLines() throws {
    let kept = KeyFileText.EnrollKey(id: EnrollKeyID(random: 1), key: try sampleKey(51))
    let gone = KeyFileText.EnrollKey(id: EnrollKeyID(random: 2), key: try sampleKey(52))
    let new = KeyFileText.EnrollKey(id: EnrollKeyID(random: 3), key: try sampleKey(53))
    let bob = KeyFileText.Operator(name: try OperatorName(validating: "bob"), key: try sampleKey(91))
    let backup = KeyFileEntries(operators: [try alice(90), bob], enrollKeys: [kept, gone])
    let present = KeyFileEntries(operators: [try alice(92)], enrollKeys: [kept, new])
    #expect(
      try steps(from: backup, to: present) == [
        .dropOperator(bob.name), .dropEnrollKey(gone.id), .recoverOperator(try alice(92).name, try sampleKey(92)),
        .loseEnrollKey(new.id),
      ])
  }
}
