import Foundation
import Testing

/// HostA with an OpenSSH of 9.8 or newer, whose connections are processes of a program of their own, `sshd-session`.
@Suite(.serialized, .enabled(if: NewerSSHD.obstacle == nil, "\(NewerSSHD.obstacle ?? "")"))
struct NewerSSHDTests {
  @Test func theMainJobThroughAPrivateSSHD() throws {
    try Lab.with { lab in
      lab.hostA.openSSH = NewerSSHD.folder
      let version = try lab.run(lab.hostA, ["/usr/sbin/sshd", "-V"]).error
      let (_, agent, configuration) = try lab.startKitchenPi()
      let heard = try lab.anna.run(["-v"], command: ["version"]).error
      let number = version.split(separator: ",")[0].split(separator: " ")[0]
      #expect(heard.contains("remote software version \(number)"), "\(version)\n\(heard)")
      try lab.takeOver(from: agent, configuration)
    }
  }

  @Test func theMainJobThroughTheSystemsSSHD() throws {
    try Lab.with { lab in
      lab.hostA.openSSH = NewerSSHD.folder
      try lab.startSystemSSHD()
      try lab.initHostA(["--sshd", "system"])
      try lab.start(lab.hostA, ["fleet-server", "run"])
      try lab.login(hostKey: "/etc/ssh/ssh_host_ed25519_key.pub")
      try lab.startBoxSSHD()
      let configuration = try lab.provisionBundle("kitchen-pi")
      let agent = try lab.startAgent("kitchen-pi", configuration: configuration)
      try lab.takeOver(from: agent, configuration)
    }
  }
}

extension Lab {
  /// A session, and then another one through the tunnel of a new agent, while the old connection's sshd, which does not
  /// notice that its agent is gone, still holds the port.
  fileprivate func takeOver(from agent: Running, _ configuration: URL) throws {
    #expect(try fleetSucceeds("ssh", "kitchen-pi", "id -un") == box.name + "\n")
    let before = try carryingSSHD()
    kill(before, SIGSTOP)
    agent.stop(SIGKILL)
    try startAgent("kitchen-pi", configuration: configuration)
    #expect(try carryingSSHD() != before && kill(before, 0) != 0)
    #expect(try fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
  }
}
