import Foundation
import Testing

/// What a stolen SD card is good for: the device's key, used by hand against the real sshd.
@Suite(.serialized) struct DeviceKeyTests {
  @Test(arguments: HostSSHD.here) func aDevicesKeyOpensItsOwnPortAndNothingElse(_ sshd: HostSSHD) throws {
    try Lab.with { lab in
      lab.hostA.openSSH = sshd.folder
      try expectItsOwnPortAndNothingElse(lab, sshd: try lab.startKitchenPi().server)
    }
  }

  /// The machine's own sshd, which forwards and opens far more to everybody else.
  @Test(.enabled(if: getuid() == 0, "an sshd of root's needs root"), arguments: HostSSHD.here)
  func soItIsThroughTheSystemsSSHDWithItsDropIn(_ sshd: HostSSHD) throws {
    try Lab.with { lab in
      lab.hostA.openSSH = sshd.folder
      let system = try lab.startSystemSSHD()
      try lab.initHostA(["--sshd", "system"])
      try lab.includeInSystemSSHD(try lab.succeed(lab.hostA, ["fleet-server", "print-sshd-config"]), system)
      try lab.login(hostKey: "/etc/ssh/ssh_host_ed25519_key.pub")
      try lab.startBoxSSHD()
      try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      try expectItsOwnPortAndNothingElse(lab, sshd: system, language: true)
    }
  }

  private func expectItsOwnPortAndNothingElse(_ lab: Lab, sshd: Running, language: Bool = false) throws {
    try lab.hostKeysAreKnown()
    let (thief, key) = try lab.boxKey("attic")
    try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(key))
    _ = try lab.createEnrollKey(named: "image")
    let keys = try ["anna.pub", "image.pub"].map { name in
      let account = name == "image.pub" ? lab.box : lab.hostA
      return try lab.succeed(account, ["cat", name]).split(separator: " ").prefix(2).joined(separator: " ")
    }
    let neighbour = try #require(try lab.device("kitchen-pi")?["id"] as? String)
    let (id, own) = try #require(
      try lab.device("attic-pi").flatMap { device in
        (device["id"] as? String).flatMap { id in (device["port"] as? Int).map { (id, $0) } }
      })
    let port = lab.ports.leases.lowerBound

    // Whatever it says of itself, it speaks for itself.
    let claim = #"{"v":1,"device":"\#(neighbour)","port":\#(port),"agent_version":"0","boot_id":"x","keepalive_s":10}"#
    let answer = try thief.ask("claim", body: claim)
    #expect(answer.isOK && answer.fields["port"] as? Int == own, "\(answer)")

    let attempts = try Forbidden.toADevice(lab, own: own, neighbour: (neighbour, port), keys: keys)
    #expect(attempts.count >= 25)
    let options = try thief.expectRefused(attempts, isDevice: true, sshd: sshd)
    try thief.expectRawRequestsRefused(port: own, sshd: sshd)
    try thief.expectCleanEnvironment(during: "claim", of: "device \(id)", language: language)
    let twin = try lab.anna.ask("provision twin-pi", body: lab.provisionBody(key))
    #expect(twin.code == "key-taken", "\(twin)")
    #expect(try lab.keyLines(of: id).count == 1)

    // Used as it is meant, the key works, over the same connection: it listens on its port, and reaches itself there.
    let forward = ["-R", "127.0.0.1:\(own):127.0.0.1:\(lab.ports.box(0))"]
    let listening = try thief.run(options + ["-O", "forward"] + forward)
    #expect(listening.status == 0, "\(listening)")
    let loop = try thief.run(options + ["-W", "127.0.0.1:\(own)"])
    #expect(loop.output.hasPrefix("SSH-2.0-OpenSSH"), "\(loop)")
    #expect(try thief.run(options + ["-O", "cancel"] + forward).status == 0)
    try eventually("the port is free", within: 15) { PortBlock.isFree(own) }
    try expectNobodyElsesListenerIsCancelled(lab, thief, own: own, neighbour: port)
    #expect(try lab.state("kitchen-pi") == "online")
    #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo undisturbed") == "undisturbed\n")
  }

  /// And sessions on one connection come to an end.
  private func expectNobodyElsesListenerIsCancelled(_ lab: Lab, _ thief: Thief, own: Int, neighbour: Int) throws {
    let client = try RawClient(thief)
    let listener = try #require(client.listen("127.0.0.1", own))
    #expect(client.cancel(listener, of: own, asIfOf: neighbour))
    // Answered after it: sshd has then done what it does.
    let sessions = (0..<200).prefix { _ in client.open("session") == nil }.count
    #expect(sessions <= 100, "sessions on one connection")
    #expect(PortBlock.isListening(neighbour) && PortBlock.isListening(own))
  }
}
