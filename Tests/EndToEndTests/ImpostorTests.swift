import Foundation
import Testing

/// Somebody on the network answers under HostA's address and port, and lets every key in.
@Suite(.serialized) struct ImpostorTests {
  @Test func nobodyShowsAnImpostorAKeyAndAllComeBackToHostA() throws {
    try Lab.with { lab in
      let (server, agent, configuration) = try lab.startKitchenPi()
      let port = try #require(try lab.device("kitchen-pi")?["port"] as? Int)
      lab.endMasters()
      #expect(server.stop() == 0)

      let impostor = try lab.startImpostor()
      try eventually("the agent refuses the impostor\n\(agent.error)", within: 60) {
        agent.error.contains("another host key than the pinned one")
      }
      #expect(try lab.agentStatus(configuration).status != 0)
      for arguments in [["list"], ["ssh", "kitchen-pi", "id"], ["provision", "x", "--bundle", "x.tar"]] {
        let outcome = try lab.run(lab.laptop, ["fleet"] + arguments)
        #expect(outcome.status == 6 && outcome.error.contains("host key"), "\(arguments): \(outcome)")
      }
      #expect(impostor.error.contains("SSH2_MSG_KEXINIT sent"), "somebody came to it: \(impostor.error)")
      #expect(!impostor.error.contains("userauth-request"), "\(impostor.error)")
      impostor.stop()

      try lab.runHostA()
      try lab.online("kitchen-pi", agent: agent, within: 120)
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == port)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
    }
  }
}

extension Lab {
  /// An sshd in HostA's place with a host key of its own, to which the keys of the device and the person are known.
  fileprivate func startImpostor() throws -> Running {
    try succeed(
      hostA,
      [
        "sh", "-c", "mkdir impostor && cd impostor && ssh-keygen -q -t ed25519 -N '' -f key && cp \"$1\" keys", "sh",
        serverHome.appending(path: "authorized_keys").path,
      ])
    let folder = hostA.home.appending(path: "impostor").path
    let configuration = try write(
      """
      ListenAddress \(hostAddress):\(ports.hostA)
      HostKey \(folder)/key
      AuthorizedKeysFile \(folder)/keys
      PidFile none
      UsePAM no
      StrictModes no
      LogLevel DEBUG1

      """, to: "impostor/sshd_config", of: hostA)
    let sshd = try start(hostA, ["/usr/sbin/sshd", "-D", "-e", "-f", configuration.path])
    try eventually("the impostor listens\n\(sshd.error)", within: 15) { sshd.error.contains("Server listening") }
    return sshd
  }
}
