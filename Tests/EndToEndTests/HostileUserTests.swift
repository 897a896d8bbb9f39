import Foundation
import Testing

/// What somebody with another account on HostA can do, which is any machine with more than one user.
@Suite(.serialized, .enabled(if: getuid() == 0, "accounts of the lab's own need root"))
struct HostileUserTests {
  @Test func anotherAccountOnHostAReadsChangesAndBecomesNothing() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      let port = lab.ports.leases.lowerBound
      let id = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      // Nothing stands in the way but what fleet-server itself put there.
      try lab.succeed(lab.hostA, ["sh", "-c", "chmod 755 ~ ~/.local ~/.local/state"])
      let before = try lab.whatStands()

      try expectNoFile(lab)
      try expectNoRequest(lab, id: id, port: port)
      try expectNoLogin(lab, port: port)
      try expectNoPower(lab)
      // The port is taken, and nobody listens beside the tunnel.
      for address in ["127.0.0.1", "0.0.0.0", "::"] {
        #expect(throws: NeverHappened.self, "\(address)") { _ = try Squatter(port: port, address: address) }
      }
      try lab.expectStanding(before)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo undisturbed") == "undisturbed\n")
    }
  }

  private func expectNoFile(_ lab: Lab) throws {
    let home = lab.serverHome.path
    let names = try FileManager.default.subpathsOfDirectory(atPath: home).sorted()
    let read = #"cd "$0" && echo .; for f; do { [ -d "$0/$f" ] || head -c 0 "$0/$f"; } && echo "$f"; done; exit 0"#
    #expect(
      try lab.succeed(lab.hostA, ["sh", "-c", read, home] + names).split(separator: "\n").map(String.init)
        == ["."] + names)
    let write = """
      for f; do true >>"$0/$f" && echo "$f"; rm -rf "$0/$f" && echo "$f"; mv "$0/$f" "$0/x" && echo "$f"; done
      touch "$0/new" && echo new; ln -s /tmp "$0/new" && echo new; exit 0
      """
    for script in [read, write] {
      let outcome = try lab.run(lab.box, ["sh", "-c", script, home] + names)
      #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
    }
    // Should the folder ever be opened, what must stay secret still is.
    for name in names where name.hasPrefix("registry") || name == "ssh_host_ed25519_key" {
      let mode = try FileManager.default.attributesOfItem(atPath: "\(home)/\(name)")[.posixPermissions] as? Int
      #expect(mode.map { $0 & 0o077 } == 0, "\(name)")
    }
  }

  /// With the programs, which anybody may run, and the forced commands by hand.
  private func expectNoRequest(_ lab: Lab, id: String, port: Int) throws {
    let list = ["SSH_ORIGINAL_COMMAND": "list", "FLEET_SERVER_HOME": lab.serverHome.path]
    #expect(
      try lab.run(lab.hostA, ["fleet-server", "operator", "anna"], environment: list).output.contains(#""ok":true"#))
    let connection = ["SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 \(lab.ports.hostA)"]
    try lab.succeed(lab.box, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "eve"])
    for (arguments, request) in [
      (["operator", "anna"], "list"), (["operator", "anna"], "connect kitchen-pi"),
      (["device", id, "\(port)"], "claim"),
      (["operator", "list"], nil), (["operator", "add", "eve", "--key", "eve.pub"], nil), (["run"], nil),
      (["init"], nil),
      (["login-line"], nil),
    ] as [([String], String?)] {
      var environment = connection.merging(["FLEET_SERVER_HOME": lab.serverHome.path]) { $1 }
      environment["SSH_ORIGINAL_COMMAND"] = request
      let outcome = try lab.run(
        lab.box, ["fleet-server"] + arguments, input: #"{"v":1,"agent_version":"0","boot_id":"x","keepalive_s":10}"#,
        environment: environment)
      #expect(outcome.status != 0 && !outcome.output.contains(#""ok":true"#), "\(arguments): \(outcome)")
    }
  }

  /// HostA's sshd and the device's, which everybody on HostA can reach on the leased port, ask for keys.
  private func expectNoLogin(_ lab: Lab, port: Int) throws {
    let eve = Thief(lab: lab, account: lab.box, key: lab.box.home.appending(path: "eve"))
    #expect(try eve.isShutOut)
    let device = try lab.run(
      lab.box,
      [
        "ssh", "-F", "none", "-i", eve.key.path, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o",
        "UserKnownHostsFile=/dev/null", "-p", "\(port)", "\(lab.box.name)@127.0.0.1",
      ])
    #expect(device.status == 255 && device.error.contains("Permission denied (publickey"), "\(device)")
  }

  private func expectNoPower(_ lab: Lab) throws {
    let uid = try #require(lab.hostA.uid)
    let pids = Lab.processes(of: [uid]).map { "\($0.0)" }
    #expect(!pids.isEmpty)
    let outcome = try lab.run(
      lab.box,
      ["sh", "-c", #"for p; do kill -0 "$p" && echo "$p"; cat "/proc/$p/environ" && echo "$p"; done; exit 0"#, "sh"]
        + pids)
    #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
  }
}
