import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct KeyFileEntriesTests {
  private let command = ForcedCommand(executable: "/abs/fleet-server", home: nil)

  private func entries() throws -> KeyFileEntries {
    let port = try TCPPort(20007).unwrapped
    let id = DeviceID(random: 1)
    return KeyFileEntries(
      devices: [
        KeyFileText.Device(id: id, port: port, key: try sampleKey(1), standing: .replace),
        KeyFileText.Device(id: id, port: port, key: try sampleKey(2), standing: .next),
        KeyFileText.Device(
          id: DeviceID(random: 2), port: try TCPPort(20008).unwrapped, key: try sampleKey(3),
          expires: Timestamp(parsing: "2026-01-02T03:04:05Z")),
      ],
      operators: [KeyFileText.Operator(name: try OperatorName(validating: "alice"), key: try sampleKey(4))],
      enrollKeys: [KeyFileText.EnrollKey(id: EnrollKeyID(random: 9), key: try sampleKey(5))])
  }

  private func text(_ entries: KeyFileEntries, _ command: ForcedCommand) -> String {
    KeyFileText.render(
      devices: entries.devices, operators: entries.operators, enrollKeys: entries.enrollKeys, change: 57,
      command: command)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let entries = try entries()
    #expect(try KeyFileEntries(parsing: text(entries, command)) == entries)
    let elsewhere = ForcedCommand(executable: "/opt/fleet-server", home: "/srv/fleet")
    let file = "ssh-ed25519 AAAA somebody\n# BEGIN fleet-server\n\(text(entries, elsewhere))# END fleet-server\nmore\n"
    #expect(try KeyFileEntries(parsingFile: Array(file.utf8)) == entries)
    #expect(KeyFileText.change(in: file.utf8) == 57)
    #expect(KeyFileText.deviceCount(in: file.utf8) == 2)
  }

  @Test func aFileOfSomebodyElseIsNoKeyFile() throws {
    #expect(try KeyFileEntries(parsingFile: []) == nil)
    #expect(try KeyFileEntries(parsingFile: Array("ssh-ed25519 AAAA somebody\n".utf8)) == nil)
  }

  /// A line that is lost would be a device that is locked out.
  @Test func aDamagedFileIsRefused() throws {
    let whole = text(try entries(), command)
    for (from, to) in [
      ("device 0", "device x"), ("permitopen", "permitopem"), ("20008\",permit", "20009\",permit"), ("alice", "Alice"),
      ("devices=2", "devices=3"), ("expiry-time=\"2026", "expiry-time=\"20x6"),
    ] {
      let damaged = whole.replacing(from, with: to)
      #expect(damaged != whole)
      #expect(throws: Refusal.self, "\(to)") { try KeyFileEntries(parsing: damaged) }
    }
    let cut = whole.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(throws: Refusal.self) { try KeyFileEntries(parsing: cut) }
  }
}
