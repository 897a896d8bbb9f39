import FleetProtocol
import Foundation
import GRDB
import Testing

/// Several operators of one HostA, over the real sshd: what each role and each selector lets through and what not.
@Suite(.serialized) struct OperatorRoleTests {
  @Test func eachVerbIsForItsRoleAndForNoLesserOne() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      let operators: [OperatorRole: Thief] = [
        .viewer: try lab.addOperator("vera", ["--role", "viewer"]),
        .operator: try lab.addOperator("otto", ["--role", "operator"]),
        .admin: try lab.addOperator("ada", []),
      ]
      let open = try operators.mapValues { try $0.stay() }
      let image = try lab.createEnrollKey(named: "image")
      for box in ["one", "two"] { try #require(try lab.join(with: image, box: box).status == 0) }
      let uses = try OperatorUse.all(lab)
      #expect(Set(uses.map(\.verb)) == (try OperatorUse.documentedVerbs()), "each verb stands in this test")

      var id = "00000000"
      for use in uses {
        let role = try use.withID(id).role()
        let request = use.withID(use.verb == "enroll-key-remove" ? image.id : id)
        for lesser in OperatorRole.allCases where lesser < role {
          let before = try lab.whatIsRecorded()
          let answer = try #require(operators[lesser]).ask(
            request.request, body: use.body, options: try #require(open[lesser]))
          #expect(answer.outcome.status == 5 && answer.code == "denied", "\(lesser): \(request.request): \(answer)")
          #expect(try lab.whatIsRecorded() == before, "\(lesser): \(request.request)")
        }
        let answer = try #require(operators[role]).ask(
          request.request, body: use.body, options: try #require(open[role]))
        #expect(answer.isOK, "\(role): \(request.request): \(answer)")
        if use.verb == "queue-add" { id = answer.fields["id"] as? String ?? id }
        for greater in OperatorRole.allCases where greater > role && role == .viewer {
          #expect(
            try #require(operators[greater]).ask(request.request, body: use.body, options: try #require(open[greater]))
              .isOK, "\(greater): \(request.request)")
        }
      }
    }
  }

  @Test func whoIsHeldToSomeDevicesHasToDoWithNoOthers() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      try lab.anna.succeed("tag kitchen-pi", body: #"{"v":1,"set":{"site":"berlin"}}"#)
      let (_, atticKey) = try lab.boxKey("attic")
      try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(atticKey))
      let otto = try lab.addOperator("otto", ["--role", "operator", "--devices", "tag=site:berlin"])
      let ada = try lab.addOperator("ada", ["--devices", "tag=site:berlin !tag=old"])
      let (asOtto, asAda) = (try otto.stay(), try ada.stay())
      #expect(
        try lab.succeed(lab.hostA, ["fleet-server", "operator", "list"]).contains("tag=site:berlin !tag=old"))

      // What they see.
      for request in [("list", ""), ("select", #"{"v":1,"select":["*-pi"]}"#)] {
        let answer = try otto.ask(request.0, body: request.1, options: asOtto)
        #expect(answer.fields["count"] as? Int == 1 && !answer.outcome.output.contains("attic-pi"), "\(answer)")
      }
      let log = try otto.ask("log", body: #"{"v":1,"limit":100}"#, options: asOtto)
      #expect(log.isOK && log.outcome.output.contains("kitchen-pi"))
      #expect(!log.outcome.output.contains("attic-pi") && !log.outcome.output.contains("operator-add"))
      #expect(try lab.anna.ask("log", body: #"{"v":1,"limit":100}"#).outcome.output.contains("operator-add"))

      // What they reach, and what not.
      #expect(try otto.ask("connect kitchen-pi", options: asOtto).isOK)
      let before = try lab.whatIsRecorded()
      let elsewhere = lab.provisionBody(try lab.boxKey("elsewhere").key)
      let queueBody = #"{"v":1,"command":"id","devices":["kitchen-pi","attic-pi"],"expires_s":60}"#
      for (thief, options, requests) in [
        (
          otto, asOtto,
          [
            ("show attic-pi", ""), ("connect attic-pi", ""), ("queue-add", queueBody),
            ("queue-take 00000000 attic-pi", ""),
            ("queue-done 00000000 attic-pi", #"{"v":1,"status":0}"#),
            ("log", #"{"v":1,"limit":9,"device":"attic-pi"}"#), ("audit-lines", #"{"v":1,"after":0,"limit":9}"#),
          ]
        ),
        (
          ada, asAda,
          [
            ("show attic-pi", ""), ("connect attic-pi", ""), ("rename attic-pi loft-pi", ""),
            ("tag attic-pi", #"{"v":1,"set":{"site":"berlin"}}"#), ("tag kitchen-pi", #"{"v":1,"remove":["site"]}"#),
            ("tag kitchen-pi", #"{"v":1,"set":{"old":""}}"#), ("enroll attic-pi", #"{"v":1,"host_keys":[]}"#),
            ("replace attic-pi", elsewhere), ("rekey attic-pi", ""), ("remove attic-pi", ""),
            ("provision loft-pi", elsewhere), ("enroll-keys", ""), ("enroll-key-create", ""),
            ("enroll-key-remove 00000000", ""), ("pending", ""), ("approve x", ""), ("reject x", ""),
            ("audit-lines", #"{"v":1,"after":0,"limit":9}"#),
          ]
        ),
      ] {
        for (request, body) in requests {
          let answer = try thief.ask(request, body: body, options: options)
          #expect(answer.outcome.status == 5 && answer.code == "denied", "\(request): \(answer)")
        }
      }
      #expect(try lab.whatIsRecorded() == before)

      // What an admin may do within the selector.
      let inBerlin = elsewhere.replacing(#""tags":{}"#, with: #""tags":{"site":"berlin"}"#)
      for (request, body) in [
        ("provision loft-pi", inBerlin), ("rename loft-pi roof-pi", ""),
        ("tag roof-pi", #"{"v":1,"set":{"floor":"9"}}"#),
        ("remove roof-pi", ""),
      ] {
        let answer = try ada.ask(request, body: body, options: asAda)
        #expect(answer.isOK, "\(request): \(answer)")
      }

      // Another role and other devices, from the next request on.
      try lab.succeed(
        lab.hostA,
        ["fleet-server", "operator", "add", "otto", "--key", "otto.pub", "--role", "viewer", "--devices", "attic-*"])
      #expect(try otto.ask("show attic-pi", options: asOtto).isOK)
      #expect(try otto.ask("connect attic-pi", options: asOtto).code == "denied")
      #expect(try otto.ask("show kitchen-pi", options: asOtto).code == "denied")
    }
  }

  @Test func aQueuedCommandIsItsOwnersAndIsTakenOnce() throws {
    try Lab.with { lab in
      try lab.startHostA()
      for name in ["kitchen-pi", "attic-pi"] {
        try lab.anna.succeed("provision \(name)", body: lab.provisionBody(try lab.boxKey(name).key))
      }
      let otto = try lab.addOperator("otto", ["--role", "operator"])
      let (asAnna, asOtto) = (try lab.anna.stay(), try otto.stay())
      func add(_ devices: String..., expires_s: Int = 600) throws -> String {
        let body =
          #"{"v":1,"command":"uptime","devices":["\#(devices.joined(separator: #"",""#))"],"expires_s":\#(expires_s)}"#
        return try #require(try lab.anna.ask("queue-add", body: body, options: asAnna).fields["id"] as? String)
      }
      func states(_ id: String) throws -> [String] {
        try lab.anna.ask("queue", options: asAnna).outcome.output.split(separator: "\n").dropFirst().compactMap {
          line in
          let entry = try Lab.object(String(line))
          return entry["id"] as? String == id ? entry["state"] as? String : nil
        }
      }
      let id = try add("kitchen-pi", "attic-pi")

      // It is nobody else's.
      #expect(try otto.ask("queue", options: asOtto).fields["count"] as? Int == 0)
      #expect(try otto.ask("queue-take \(id) kitchen-pi", options: asOtto).code == "queued-command-gone")
      #expect(try otto.ask("queue-cancel \(id)", options: asOtto).code == "no-such-queued-command")
      #expect(try states(id) == ["waiting", "waiting"])

      // Twenty connections ask at once, and one is answered.
      let takers = try (0..<20).map { _ in try lab.anna.start([], command: ["queue-take", id, "kitchen-pi"]) }
      let statuses = takers.map { $0.wait(120) }
      let answers = takers.map(\.output)
      #expect(answers.count { $0.contains(#""command":"uptime""#) } == 1, "\(answers)")
      #expect(answers.count { $0.contains("queued-command-gone") } == 19, "\(statuses) \(takers.map(\.error))")
      #expect(
        try otto.ask("queue-done \(id) kitchen-pi", body: #"{"v":1,"status":0}"#, options: asOtto).code
          == "no-such-queued-command")
      #expect(try lab.anna.ask("queue-done \(id) kitchen-pi", body: #"{"v":1,"status":7}"#, options: asAnna).isOK)
      #expect(try states(id) == ["waiting", "done"])

      // What is cancelled, over, or without its device is not handed out.
      #expect(try lab.anna.ask("queue-cancel \(id)", options: asAnna).fields["count"] as? Int == 1)
      #expect(try lab.anna.ask("queue-take \(id) attic-pi", options: asAnna).code == "queued-command-gone")
      let short = try add("attic-pi", expires_s: 1)
      try eventually("the command expires", within: 60) { try states(short) == ["expired"] }
      #expect(try lab.anna.ask("queue-take \(short) attic-pi", options: asAnna).code == "queued-command-gone")
      let orphan = try add("attic-pi")
      #expect(try lab.anna.ask("remove attic-pi", options: asAnna).isOK)
      #expect(try states(orphan).isEmpty)
      #expect(try lab.anna.ask("queue-take \(orphan) attic-pi", options: asAnna).code == "no-such-device")

      // An operator goes, and what was queued goes too.
      let body = #"{"v":1,"command":"uptime","devices":["kitchen-pi"],"expires_s":600}"#
      #expect(try otto.ask("queue-add", body: body, options: asOtto).isOK)
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "remove", "otto"])
      #expect(try lab.registryRows("SELECT * FROM queue WHERE operator = 'otto'").isEmpty)
      #expect(
        try otto.ask("queue", options: asOtto).outcome.error.contains("Permission denied"), "his open connection ended")
    }
  }
}

extension Lab {
  /// Lets one more operator in, with a key of the laptop's and further `options` of `operator add`.
  func addOperator(_ name: String, _ options: [String]) throws -> Thief {
    try succeed(laptop, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name])
    let key = try write(try succeed(laptop, ["cat", "\(name).pub"]), to: "\(name).pub", of: hostA)
    try succeed(hostA, ["fleet-server", "operator", "add", name, "--key", key.path] + options)
    return Thief(lab: self, account: laptop, key: laptop.home.appending(path: name))
  }

  /// Waits until nothing more of kitchen-pi's first contact is to be recorded.
  func hostKeysAreKnown() throws {
    try eventually("the host keys are recorded", within: 60) {
      guard let device = try device("kitchen-pi"), device["enrolled"] as? Bool == true, let id = device["id"] as? String
      else { return false }
      // The connection that the new key has opened may tell them again.
      let session = serverHome.appending(path: "sessions/\(id).json")
      return try String(contentsOf: session, encoding: .utf8).contains(#""host_keys":["ssh-"#)
    }
  }
}
