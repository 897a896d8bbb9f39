import FleetProtocol
import Foundation
import Testing
import ThrowawaySSHD

@testable import fleet

/// The built program and the real ssh, with a HostA that is not reached, each time in another way.
@Suite struct UnreachableTests {
  private static let host = "127.0.0.1"

  /// Runs `fleet list` of a laptop that was logged in, with more words before and around it.
  private func list(
    address: String = Self.host, port: UInt16, before: [String] = [], identity: String? = nil, path: String? = nil
  ) throws -> Subprocess.Outcome {
    try Scratch.with { folder in
      var configuration = Configuration()
      let target = try LoginTarget(parsing: "fleet@\(address):\(port)")
      try configuration.add(target, name: nil, identity: identity, hostKeys: [Sample.hostKey])
      try FileStore.replace("\(folder)/fleet/config.json", with: configuration.text.utf8)
      try FileStore.replace("\(folder)/fleet/known_hosts", with: configuration.pins.utf8)
      var environment = ["XDG_CONFIG_HOME=\(folder)", "XDG_STATE_HOME=\(folder)", "NO_COLOR=1"]
      if let path { environment.append("PATH=\(path)") }
      return try Subprocess.run(before + ["env", "-u", "SSH_AUTH_SOCK"] + environment + [Built.fleet, "list"])
    }
  }

  private func expect(_ outcome: Subprocess.Outcome, _ status: Int32, _ words: String) {
    #expect(outcome.status == status && outcome.errorText.contains(words), "\(outcome.errorText)")
    #expect(outcome.errorText.contains("\n  "), "a hint: \(outcome.errorText)")
  }

  @Test func nobodyListens() throws {
    expect(try list(port: ThrowawaySSHD.freePort()), 6, "nothing listens on that port")
  }

  @Test func thereIsNoSuchName() throws {
    // A name below .invalid never exists (RFC 6761); whether a name server says so depends on the network.
    let outcome = try list(address: "fleet-test.invalid", port: 22)
    #expect(outcome.status == 6, "\(outcome.errorText)")
    #expect(["no machine of that name", "names cannot be looked up"].contains { outcome.errorText.contains($0) })
  }

  @Test func somethingElseListens() throws {
    let listener = try LoopbackSocket()
    let thread = Thread {
      // Kept, because a close with unread bytes takes the answer back.
      var peers: [LoopbackSocket] = []
      while let peer = try? listener.accept() {
        try? peer.write(Array("\u{16}\u{03}\u{01}\r\n".utf8))
        peers.append(peer)
      }
    }
    thread.start()
    defer { listener.shutDown() }
    expect(try list(port: listener.port), 6, "no SSH server")
  }

  @Test func whatListensSaysNothing() throws {
    // The kernel completes the connection; nobody ever takes it.
    let listener = try LoopbackSocket()
    try withExtendedLifetime(listener) { expect(try list(port: listener.port), 6, "nobody speaks there") }
  }

  @Test(
    .enabled(if: getuid() == 0, "a network namespace needs root"),
    arguments: [
      ("true", "10.9.9.2", "no network that leads there"),
      ("ip link set lo up && ip route add unreachable 10.9.9.2", "10.9.9.2", "no way to that machine"),
      // Nobody has that address, and nobody is asked for it.
      (
        "ip link add near0 type veth peer name far0 && ip addr add 10.9.9.1/24 dev near0 "
          + "&& ip link set near0 up && ip link set far0 up "
          + "&& ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:01 dev near0", "10.9.9.2", "nothing comes back"
      ),
    ])
  func thereIsNoWay(setup: String, address: String, words: String) throws {
    let inNamespace = ["unshare", "--net", "sh", "-c", "\(setup) && exec \"$@\"", "sh"]
    expect(try list(address: address, port: 2222, before: inNamespace), 6, words)
  }

  @Test func sshIsNotInstalled() throws {
    let outcome = try Scratch.with { folder in try list(port: 22, path: folder) }
    expect(outcome, 1, "the program 'ssh' is not installed")
  }

  /// HostA's own sshd is there, and the key is wrong in one way or another.
  @Test func aKeyThatIsNotTakenIsNamed() throws {
    try Scratch.with { folder in
      for (name, passphrase) in [("plain", ""), ("locked", "secret")] {
        let made = try Subprocess.run([
          "ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", "\(folder)/\(name)",
        ])
        try #require(made.status == 0)
      }
      let publicKey = String(decoding: try #require(try FileStore.content(of: "\(folder)/locked.pub")), as: UTF8.self)
      let server = try ThrowawaySSHD(authorizedKeys: publicKey)
      defer { server.stop() }
      func list(_ key: String) throws -> Subprocess.Outcome {
        var configuration = Configuration()
        let target = try LoginTarget(parsing: "\(ThrowawaySSHD.account)@127.0.0.1:\(server.port)")
        let hostKeys = try server.hostKeys.map { try PublicKey(parsing: $0) }
        try configuration.add(target, name: nil, identity: "\(folder)/\(key)", hostKeys: hostKeys)
        try FileStore.replace("\(folder)/fleet/config.json", with: configuration.text.utf8)
        try FileStore.replace("\(folder)/fleet/known_hosts", with: configuration.pins.utf8)
        return try Subprocess.run([
          "setsid", "-w", "env", "-u", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME=\(folder)", "XDG_STATE_HOME=\(folder)",
          Built.fleet, "list",
        ])
      }
      expect(try list("plain"), 5, "it was offered SHA256:")
      expect(try list("locked"), 5, "has a passphrase, and no ssh-agent holds it")
      #expect(try Subprocess.run(["chmod", "644", "\(folder)/plain"]).status == 0)
      expect(try list("plain"), 5, "can be read by others")
      expect(try list("nothing"), 5, "is not there any more")
      // A key of the account's own, with no fleet-server behind it.
      #expect(try Subprocess.run(["ssh-keygen", "-p", "-P", "secret", "-N", "", "-f", "\(folder)/locked"]).status == 0)
      expect(try list("locked"), 1, "an ordinary shell")
    }
  }
}
