import Foundation
import Testing

/// What a stolen SD card is good for: the device's key, used by hand against the real sshd.
@Suite(.serialized) struct DeviceKeyTests {
  @Test(arguments: HostSSHD.here) func aDevicesKeyOpensItsOwnPortAndNothingElse(_ sshd: HostSSHD) throws {
    try Lab.with { lab in
      lab.hostA.openSSH = sshd.folder
      let (server, _, _) = try lab.startKitchenPi()
      let attic = try lab.provisionAttic()
      let neighbour = (try #require(try lab.device("kitchen-pi")?["id"] as? String), lab.ports.leases.lowerBound)

      // Whatever it says of itself, it speaks for itself.
      let claim =
        #"{"v":1,"device":"\#(neighbour.0)","port":\#(neighbour.1),"agent_version":"0","boot_id":"x","keepalive_s":10}"#
      let answer = try attic.thief.ask("claim", body: claim)
      #expect(answer.isOK && answer.fields["port"] as? Int == attic.port, "\(answer)")

      _ = try lab.createEnrollKey(named: "image")
      let files = try lab.succeed(lab.hostA, ["cat", "anna.pub"]) + lab.succeed(lab.box, ["cat", "image.pub"])
      let keys = (files + (try lab.keyLines(of: neighbour.0)).joined()).matches(of: /ssh-ed25519 [^ \n]+/)
      #expect(keys.count == 3, "an operator's, an enroll key's and a device's")
      let attempts = try Forbidden.toADevice(lab, neighbour: neighbour, keys: keys.map { String($0.output) })
      try expectItsOwnPortAndNothingElse(lab, attic, attempts, sshd: server)

      let twin = try lab.anna.ask("provision twin-pi", body: lab.provisionBody(attic.key))
      #expect(twin.code == "key-taken", "\(twin)")
      #expect(try lab.keyLines(of: attic.id).count == 1)
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
      try expectItsOwnPortAndNothingElse(lab, try lab.provisionAttic(), [], sshd: system, language: true)
    }
  }

  private func expectItsOwnPortAndNothingElse(
    _ lab: Lab, _ attic: Attic, _ requests: [Attempt], sshd: Running, language: Bool = false
  ) throws {
    let (thief, own, neighbour) = (attic.thief, attic.port, lab.ports.leases.lowerBound)
    let attempts = Forbidden.programs("claim") + Forbidden.places(lab, own: own, neighbour: neighbour) + requests
    #expect(attempts.count >= 25)
    let options = try thief.expectRefused(attempts, isDevice: true, sshd: sshd)
    try thief.expectRawRequestsRefused(port: own, sshd: sshd)
    try thief.expectCleanEnvironment(during: "claim", of: "device \(attic.id)", language: language)

    // Used as it is meant, the key works, over the same connection: it listens on its port, and reaches itself there.
    let forward = ["-R", "127.0.0.1:\(own):127.0.0.1:\(lab.ports.box(0))"]
    let listening = try thief.run(options + ["-O", "forward"] + forward)
    #expect(listening.status == 0, "\(listening)")
    let loop = try thief.run(options + ["-W", "127.0.0.1:\(own)"])
    #expect(loop.output.hasPrefix("SSH-2.0-OpenSSH"), "\(loop)")
    #expect(try thief.run(options + ["-O", "cancel"] + forward).status == 0)
    try eventually("the port is free", within: 60) { PortBlock.isFree(own) }
    try expectNobodyElsesListenerIsCancelled(thief, own: own, neighbour: neighbour)
    #expect(try lab.state("kitchen-pi") == "online")
    #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo undisturbed") == "undisturbed\n")
  }

  /// And sessions on one connection come to an end.
  private func expectNobodyElsesListenerIsCancelled(_ thief: Thief, own: Int, neighbour: Int) throws {
    let client = try RawClient(thief)
    let listener = try #require(client.listen("127.0.0.1", own))
    #expect(client.cancel(listener, of: own, asIfOf: neighbour))
    // Answered after it: sshd has then done what it does.
    let sessions = (0..<200).prefix { _ in client.open("session") == nil }.count
    #expect((10...100).contains(sessions), "sessions on one connection")
    #expect(PortBlock.isListening(neighbour) && PortBlock.isListening(own))
  }
}

/// A device that is provisioned and has no agent: its key is in a thief's hands.
private struct Attic {
  let thief: Thief
  let key: String
  let id: String
  let port: Int
}

extension Lab {
  /// Provisions it, when nothing more of kitchen-pi's first contact is to be recorded.
  fileprivate func provisionAttic() throws -> Attic {
    try hostKeysAreKnown()
    let (thief, key) = try boxKey("attic")
    try anna.succeed("provision attic-pi", body: provisionBody(key))
    let device = try #require(try device("attic-pi"))
    return Attic(
      thief: thief, key: key, id: try #require(device["id"] as? String), port: try #require(device["port"] as? Int))
  }
}
