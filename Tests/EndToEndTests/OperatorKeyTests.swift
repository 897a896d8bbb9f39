import Foundation
import Testing

/// What a stolen laptop's key is good for: the verbs, and nothing of the account's.
@Suite(.serialized) struct OperatorKeyTests {
  @Test func anOperatorsKeyAsksForTheVerbsAndNothingElse() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      let own = lab.ports.leases.lowerBound
      let thief = Thief(lab: lab, account: lab.laptop, key: lab.operatorKey)

      for command in [["version"], ["list"], ["show", "kitchen-pi"], ["fleet-server", "list"]] {
        let outcome = try thief.run([], command: command)
        #expect(outcome.status == 0 && outcome.output.hasPrefix("{\"v\":1,\"ok\":true"), "\(command): \(outcome)")
      }

      for command in [
        [], ["sh"], ["sh", "-c", "id"], ["id;list"], ["list;id"], ["list|id"], ["$(id)"], ["claim"], ["report"],
        ["device", "0000000000000000", "\(own)"], ["operator", "anna"], ["run"], ["init"], ["scp", "-f", "x"],
        ["connect", "../x"], ["show", "-h"], ["fleet-server", "run"],
      ] {
        let outcome = try thief.run([], command: command)
        #expect(outcome.status != 0 && !outcome.output.contains("uid="), "\(command): \(outcome)")
        #expect(outcome.output.contains("\"ok\":false"), "\(command): \(outcome)")
      }

      for forward in [
        "127.0.0.1:\(own + 5):127.0.0.1:22", "127.0.0.1:\(own):127.0.0.1:22",
        "\(lab.hostA.home.path)/socket:127.0.0.1:22",
      ] {
        let outcome = try thief.run(["-N", "-R", forward])
        #expect(outcome.status == 255, "-R \(forward): \(outcome)")
      }
      for target in ["127.0.0.1:\(own)", "127.0.0.1:\(lab.ports.hostA)"] {
        let outcome = try thief.run(["-W", target])
        #expect(
          outcome.status == 255 && outcome.error.contains("administratively prohibited"), "-W \(target): \(outcome)")
      }
      #expect(try thief.run(["-tt"]).error.contains("PTY allocation request failed"))
      #expect(try thief.run(["-s"], command: ["sftp"]).status != 0)
      try thief.expectNoForwardedAgent()
    }
  }

  /// A key that HostA never heard of, and one that was taken out again.
  @Test func aStrangersKeyIsRefused() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.succeed(lab.laptop, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "stranger"])
      let stranger = Thief(lab: lab, account: lab.laptop, key: lab.laptop.home.appending(path: "stranger"))
      #expect(try stranger.run([], command: ["version"]).error.contains("Permission denied"))

      let key = try lab.write(try lab.succeed(lab.laptop, ["cat", "stranger.pub"]), to: "bob.pub", of: lab.hostA)
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "add", "bob", "--key", key.path])
      #expect(try stranger.run([], command: ["version"]).output.contains("\"operator\":\"bob\""))
      #expect(try lab.succeed(lab.hostA, ["fleet-server", "operator", "list"]).contains("bob"))
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "remove", "bob"])
      #expect(try stranger.run([], command: ["version"]).error.contains("Permission denied"))
    }
  }
}
