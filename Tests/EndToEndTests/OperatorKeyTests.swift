import FleetProtocol
import Foundation
import Testing

/// What a stolen laptop's key is good for: the verbs of its role, and nothing of the account's.
@Suite(.serialized) struct OperatorKeyTests {
  @Test(arguments: HostSSHD.here) func anOperatorsKeyAsksForItsRolesVerbsAndNothingElse(_ sshd: HostSSHD) throws {
    try Lab.with { lab in
      lab.hostA.openSSH = sshd.folder
      let (server, _, _) = try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      try lab.anna.succeed("tag kitchen-pi", body: #"{"v":1,"set":{"site":"berlin"}}"#)
      for name in ["hall-pi", "loft-pi"] {
        try lab.anna.succeed("provision \(name)", body: lab.provisionBody(try lab.boxKey(name).key))
      }
      let own = (try #require(try lab.device("kitchen-pi")?["id"] as? String), lab.ports.leases.lowerBound)
      let uses = try OperatorUse.all(lab)
      let image = try lab.createEnrollKey(named: "image")

      for (role, options, request) in [
        (OperatorRole.viewer, ["--role", "viewer"], "show kitchen-pi"), (.operator, ["--role", "operator"], "queue"),
        (.admin, ["--devices", "tag=site:berlin"], "rename kitchen-pi kitchen-pi"),
      ] {
        let thief = try lab.addOperator("the-\(role)", options)
        // What the role may not ask for; an admin, here, what is not of the devices in Berlin.
        let beyond = try uses.map { $0.withID(image.id) }.filter {
          try $0.role() > role || role == .admin && $0.isBeyondKitchenPi
        }
        // The key line does not know the role: what sshd itself refuses is one role's turn, but for an example.
        let places: [Attempt] =
          role == .viewer
          ? Forbidden.programs("list") + Forbidden.listening(own.1 + 20) + Forbidden.places(lab, own.1)
          : [.run(""), .listen("127.0.0.1", own.1 + 20), .listen("127.0.0.1", own.1), .reach("127.0.0.1", own.1)]
        let attempts =
          Forbidden.toAnyOperator(device: own) + beyond.map { .run($0.request, body: $0.body, codes: ["denied"]) }
          + places
        #expect(beyond.count >= 12 && attempts.count >= 15, "\(role): \(beyond.map(\.request))")
        let connection = try thief.expectRefused(attempts, sshd: server)
        try thief.expectRawRequestsRefused(port: own.1 + 20, sshd: server)

        let answer = try thief.ask(request, options: connection)
        #expect(answer.isOK, "\(role): \(request): \(answer)")
        #expect(try thief.ask("version", options: connection).fields["operator"] as? String == "the-\(role)")
      }
      try lab.anna.expectCleanEnvironment(during: "connect kitchen-pi", of: "operator anna")
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

extension OperatorUse {
  /// Whether it concerns other devices than kitchen-pi, or the whole fleet.
  fileprivate var isBeyondKitchenPi: Bool {
    !request.contains("kitchen-pi") && !body.contains("kitchen-")
      && !["version", "list", "log", "queue", "queue-cancel", "provision-many"].contains(verb)
  }
}
