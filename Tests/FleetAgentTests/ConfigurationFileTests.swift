import FleetProtocol
import Foundation
import Testing

@testable import FleetAgent

@Suite struct ConfigurationFileTests {
  private static let text = """
    {"v":1,"device":"0f3a5c7e9b1d2f40","name":"kitchen-pi","port":20007,
     "host":{"account":"fleet","endpoints":[{"address":"hosta.example","port":2222}],
     "host_keys":["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyT1n8Ft1Kb3E6Sbex5sB4uKq6dooJq6eDMJjdDiszX"]},
     "key_file":"id_ed25519","sshd_port":22}
    """

  /// A folder with a configuration and, if wanted, a key of these permissions.
  private func withFolder(_ text: String?, keyMode: Int?, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-agent-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    if let text { try Data(text.utf8).write(to: folder.appending(path: "agent.json")) }
    if let keyMode {
      let key = folder.appending(path: "id_ed25519")
      try Data("key".utf8).write(to: key)
      try FileManager.default.setAttributes([.posixPermissions: keyMode], ofItemAtPath: key.path)
    }
    try body(folder.appending(path: "agent.json").path)
  }

  @Test func readsConfigurationAndKey() throws {
    try withFolder(Self.text, keyMode: 0o600) { path in
      let file = try ConfigurationFile(path: path)
      #expect(file.configuration.port == TCPPort(20007))
      #expect(file.owner == getuid())
      #expect(try file.privateKey() == Array("key".utf8) && file.keyOwner == getuid())
      // As install.sh leaves it for a system service: root's configuration, the account's key.
      if getuid() == 0 {
        chown(file.keyPath, 65_534, 65_534)
        #expect(file.owner == 0 && file.keyOwner == 65_534)
      }
    }
  }

  @Test(arguments: [nil, "", "{}", "{\"v\":2}", "[1]"])
  func refusesWhatIsNoConfiguration(text: String?) throws {
    try withFolder(text, keyMode: nil) { path in
      #expect { try ConfigurationFile(path: path) } throws: {
        guard let refusal = $0 as? Refusal else { return false }
        return refusal.code == .configurationInvalid && refusal.hint != nil
      }
    }
  }

  @Test(arguments: [nil, 0o644, 0o640, 0o604])
  func refusesAKeyThatIsMissingOrReadableByOthers(mode: Int?) throws {
    try withFolder(Self.text, keyMode: mode) { path in
      let file = try ConfigurationFile(path: path)
      #expect { try file.privateKey() } throws: { ($0 as? Refusal)?.code == .configurationInvalid }
    }
  }

  @Test func findsTheConfigurationWhereItUsuallyIs() {
    func path(_ variables: [String: String], systemFile: Bool) -> String {
      ConfigurationFile.defaultPath(environment: { variables[$0] }, exists: { _ in systemFile })
    }
    #expect(path(["HOME": "/home/pi"], systemFile: true) == "/etc/fleet-agent/agent.json")
    #expect(path(["HOME": "/home/pi"], systemFile: false) == "/home/pi/.config/fleet-agent/agent.json")
    #expect(path(["XDG_CONFIG_HOME": "/c", "HOME": "/h"], systemFile: false) == "/c/fleet-agent/agent.json")
    #expect(path(["XDG_CONFIG_HOME": "c", "HOME": "/h"], systemFile: false) == "/h/.config/fleet-agent/agent.json")
  }

  @Test func findsTheKeyBesideTheConfiguration() {
    #expect(ConfigurationFile.keyPath("id", beside: "/etc/x/agent.json") == "/etc/x/id")
    #expect(ConfigurationFile.keyPath("id", beside: "agent.json") == "id")
    #expect(ConfigurationFile.keyPath("/k/id", beside: "/etc/x/agent.json") == "/k/id")
  }

  @Test func readsTheSystemsName() {
    #expect(MachineFacts.operatingSystem(inOSRelease: "ID=x\nPRETTY_NAME=\"Debian 12\"\n") == "Debian 12")
    #expect(MachineFacts.operatingSystem(inOSRelease: "PRETTY_NAME=Alpine") == "Alpine")
    #expect(MachineFacts.operatingSystem(inOSRelease: "ID=x") == nil)
    #expect(MachineFacts.read().values.allSatisfy { $0.utf8.count <= Limits.text })
  }
}
