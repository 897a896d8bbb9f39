import Foundation
import Testing

/// What a stolen SD card is good for: the device's key, used by hand with ssh against the real sshd.
@Suite(.serialized) struct DeviceKeyTests {
  @Test func aDevicesKeyOpensItsOwnPortAndNothingElse() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let configuration = try lab.provisionBundle("kitchen-pi")
      let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
      let own = lab.ports.leases.lowerBound
      let other = own + 1
      let thief = Thief(lab: lab, account: lab.box, key: key)

      // Used as it is meant, the key works: the forward stands, and the device may reach its own port.
      let tunnel = try thief.start(["-N", "-R", "127.0.0.1:\(own):127.0.0.1:\(lab.ports.box(0))"])
      try eventually("the tunnel stands\n\(tunnel.error)", within: 15) { PortBlock.isListening(own) }
      let loop = try thief.start(["-N", "-L", "127.0.0.1:\(other + 50):127.0.0.1:\(own)"])
      try eventually("the loop answers", within: 15) {
        try lab.run(lab.box, ["ssh-keyscan", "-T", "2", "-p", "\(other + 50)", "127.0.0.1"]).output.contains(
          "ssh-ed25519")
      }
      tunnel.stop()
      loop.stop()

      // Listening anywhere else.
      for forward in [
        "127.0.0.1:\(other):127.0.0.1:22", "0.0.0.0:\(own):127.0.0.1:22", "localhost:\(own):127.0.0.1:22",
        "[::1]:\(own):127.0.0.1:22", ":\(own):127.0.0.1:22", "127.0.0.1:0:127.0.0.1:22",
        "\(lab.hostA.home.path)/socket:127.0.0.1:22",
      ] {
        let outcome = try thief.run(["-N", "-R", forward])
        #expect(outcome.status == 255, "-R \(forward): \(outcome)")
        #expect(outcome.error.contains("remote port forwarding failed"), "-R \(forward): \(outcome)")
      }
      #expect(!FileManager.default.fileExists(atPath: lab.hostA.home.appending(path: "socket").path))

      // Reaching anything else: HostA's own sshd stands for all of it.
      for target in ["127.0.0.1:\(lab.ports.hostA)", "localhost:\(own)", "127.0.0.1:\(other)", "[::1]:\(own)"] {
        let outcome = try thief.run(["-W", target])
        #expect(
          outcome.status == 255 && outcome.error.contains("administratively prohibited"), "-W \(target): \(outcome)")
      }
      // A Unix socket of the account, reached from the device.
      let socket = try thief.start(["-N", "-L", "127.0.0.1:\(other + 51):\(lab.serverHome.path)/run.sock"])
      try eventually("the local end listens", within: 15) { PortBlock.isListening(other + 51) }
      // The client hears the same when there is no such socket: sshd's log tells the difference.
      try eventually("sshd refuses the Unix socket", within: 15) {
        server.error.contains("refused streamlocal port forward") && socket.error.contains("open failed")
      }
      socket.stop()
      // A dynamic forward reaches HostA's own sshd for nobody.
      let dynamic = try thief.start(["-N", "-D", "127.0.0.1:\(other + 52)"])
      try eventually("the SOCKS port listens", within: 15) { PortBlock.isListening(other + 52) }
      let socks =
        "printf '\\005\\001\\000\\005\\001\\000\\001\\177\\000\\000\\001\\\(String(lab.ports.hostA >> 8, radix: 8))\\\(String(lab.ports.hostA & 255, radix: 8))'"
      _ = try lab.run(
        lab.box, ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(other + 52); \(socks) >&3; timeout 3 cat <&3"])
      try eventually("sshd refuses the dynamic forward", within: 15) {
        dynamic.error.contains("administratively prohibited")
      }
      dynamic.stop()

      // A shell, a command, a terminal, files, agent and X11.
      for arguments in [
        [], ["sh", "-c", "id"], ["list"], ["connect", "kitchen-pi"], ["provision", "x"], ["claim;id"],
      ] {
        let outcome = try thief.run([], command: arguments)
        #expect(outcome.status != 0, "\(arguments): \(outcome)")
        #expect(!outcome.output.contains("uid="), "\(arguments): \(outcome)")
        #expect(outcome.output.contains("\"ok\":false"), "\(arguments): \(outcome)")
      }
      let terminal = try thief.run(["-tt"])
      #expect(terminal.status != 0 && terminal.error.contains("PTY allocation request failed"), "\(terminal)")
      let sftp = try thief.run(["-s"], command: ["sftp"])
      #expect(sftp.status != 0, "\(sftp)")
      let tunnelDevice = try thief.run(["-N", "-w", "any"])
      #expect(tunnelDevice.status == 255, "\(tunnelDevice)")
      try thief.expectNoForwardedAgent(during: ["claim"], of: "device")
    }
  }
}

/// Somebody who has a key and uses OpenSSH's own client with it.
struct Thief {
  let lab: Lab
  let account: Account
  let key: URL

  func line(_ options: [String], _ command: [String]) -> [String] {
    [
      "ssh", "-F", "none", "-i", key.path, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
      "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
      "-o", "ConnectTimeout=10", "-p", "\(lab.ports.hostA)",
    ] + options + ["\(lab.hostA.name)@\(lab.hostAddress)"] + command
  }

  func run(_ options: [String], command: [String] = []) throws -> Outcome {
    try lab.run(account, line(options, command), within: 20)
  }

  func start(_ options: [String], command: [String] = []) throws -> Running {
    try lab.start(account, line(options, command))
  }

  /// With an agent of its own and `-A`, the forced command gets no SSH_AUTH_SOCK. `request` is one that waits for its
  /// standard input, so that there is time to look at its environment.
  func expectNoForwardedAgent(during request: [String], of role: String) throws {
    let session = try lab.start(
      account,
      // An agent that runs a command ends by itself when the command is killed.
      ["ssh-agent", "sh", "-c", "sleep 8 | \"$@\"; ssh-agent -k >/dev/null", "sh"]
        + line(["-A"], request))
    var environment: String?
    try eventually("the forced command runs", within: 8) {
      let found = Lab.processes(of: [lab.hostA.uid ?? getuid()]).first {
        $0.1.contains("fleet-server \(role) ") && $0.1.hasPrefix("/")
      }
      environment = found.flatMap { try? String(contentsOfFile: "/proc/\($0.0)/environ", encoding: .utf8) }
      return environment?.contains("SSH_CONNECTION=") == true
    }
    #expect(environment?.contains("SSH_AUTH_SOCK=") == false)
    #expect(environment?.contains("SSH_ORIGINAL_COMMAND=") == true)
    _ = session.wait(30)
  }
}
