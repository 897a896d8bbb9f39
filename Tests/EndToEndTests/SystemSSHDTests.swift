import Foundation
import Testing

/// The machine's own sshd lets devices in: as root runs it, with a configuration as Debian ships it.
@Suite(.serialized, .enabled(if: getuid() == 0, "an sshd of root's, and accounts of the lab's own, need root"))
struct SystemSSHDTests {
  @Test func theMainJobThroughTheSystemsSSHD() throws {
    try Lab.with { lab in
      let sshd = try lab.startSystemSSHD()
      let before = "# my own keys\n\(try lab.foreignKey("first")) first"
      try lab.write(before, to: ".ssh/authorized_keys", of: lab.hostA)
      let said = try lab.initHostA(["--sshd", "system"])
      #expect(said.contains("fleet-server print-sshd-config") && said.contains("fleet login hosta@"), "\(said)")
      // Somebody adds a key of their own below the block, without a newline at the end of the file.
      let after = "\(try lab.foreignKey("second")) second"
      try lab.write(try lab.keyFile() + after, to: ".ssh/authorized_keys", of: lab.hostA)

      let server = try lab.start(lab.hostA, ["fleet-server", "run"])
      try eventually("run watches presence", within: 15) { server.error.contains("watching presence") }
      try lab.login(hostKey: "/etc/ssh/ssh_host_ed25519_key.pub")
      try lab.startBoxSSHD()
      let configuration = try lab.provisionBundle("kitchen-pi")
      let agent = try lab.startAgent("kitchen-pi", configuration: configuration)

      let file = try lab.keyFile()
      #expect(file.hasPrefix(before + "\n") && file.hasSuffix("\n" + after), "\(file)")
      #expect(file.contains("fleet-server device ") && file.contains("fleet-server operator "), "\(file)")
      #expect(!FileManager.default.fileExists(atPath: lab.serverHome.appending(path: "authorized_keys").path))
      #expect(try lab.fleetSucceeds("list").contains("kitchen-pi"))
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == lab.box.name + "\n")

      // `run` has no sshd of its own, and its end is not the end of the tunnels.
      #expect(try lab.children(of: server.pid).isEmpty)
      #expect(server.stop() == 0)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo still here") == "still here\n")

      // A new agent takes the port over from the killed one's connection, which the account did not start itself.
      agent.stop(SIGKILL)
      try lab.startAgent("kitchen-pi", configuration: configuration)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
      #expect(sshd.wait(0) == nil)
    }
  }

  /// What no option of a key line closes, the administrator's drop-in does.
  @Test func theDropInRefusesUnixSockets() throws {
    try Lab.with { lab in
      let sshd = try lab.startSystemSSHD()
      try lab.initHostA(["--sshd", "system"])
      try lab.login(hostKey: "/etc/ssh/ssh_host_ed25519_key.pub")
      try lab.startBoxSSHD()
      let configuration = try lab.provisionBundle("kitchen-pi")
      let thief = Thief(
        lab: lab, account: lab.box, key: configuration.deletingLastPathComponent().appending(path: "id_ed25519"))
      let socket = lab.hostA.home.appending(path: "socket").path
      let local = lab.ports.leases.upperBound

      let open = try thief.start(["-N", "-R", "\(socket):127.0.0.1:22"])
      try eventually("without the drop-in the socket is there\n\(open.error)", within: 15) {
        FileManager.default.fileExists(atPath: socket)
      }
      open.stop()
      try lab.succeed(lab.hostA, ["rm", "-f", socket])

      let dropIn = try lab.succeed(lab.hostA, ["fleet-server", "print-sshd-config"])
      try lab.includeInSystemSSHD(dropIn, sshd)
      let remote = try thief.run(["-N", "-R", "\(socket):127.0.0.1:22"])
      #expect(remote.status == 255 && remote.error.contains("remote port forwarding failed"), "\(remote)")
      #expect(!FileManager.default.fileExists(atPath: socket))
      let forward = try thief.start(["-N", "-L", "127.0.0.1:\(local):\(socket)"])
      try eventually("the local end listens", within: 15) { PortBlock.isListening(local) }
      // The client hears the same when there is no such socket: sshd's log tells the difference.
      try eventually("sshd refuses the Unix socket", within: 15) {
        return sshd.error.contains("refused streamlocal port forward") && forward.error.contains("open failed")
      }
      forward.stop()

      try lab.startAgent("kitchen-pi", configuration: configuration)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
    }
  }
}
