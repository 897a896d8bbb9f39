import FleetProtocol
import Foundation
import Testing

/// Many connections at once, and requests other than a claim without an end: nobody else notices, nothing is left.
@Suite(.serialized) struct HostileFloodTests {
  private static let claim = ClaimBody(
    agentVersion: "1", bootID: "hostile", keepalive_s: 10, facts: [:], hostKeys: []
  ).line

  /// Each claim comes on a connection of its own and ends the one before.
  @Test func aFloodOfConnectionsOfOneDeviceLeavesNoneOfThem() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      let hostile = try lab.hostileDevice()
      try lab.write(Self.claim + "\n", to: "claim", of: lab.box)
      let tunnel = try lab.tunnel(of: "kitchen-pi")
      let logged = try lab.fleetSucceeds("log", "--json").count
      let before = lab.hostProcesses("sshd").count

      let flood = try lab.flood(60, atOnce: 20, hostile.line([], ["claim"]), input: "claim")
      var lists = 0
      while flood.wait(0) == nil {
        #expect(try lab.state("kitchen-pi") == "online")
        lists += 1
      }
      let answers = flood.output.split(separator: "\n")
      #expect(answers.contains { $0.contains(#""ok":true"#) }, "\(flood.error.suffix(500))")
      #expect(answers.allSatisfy { $0.contains(#""ok":true"#) || $0.contains("claim-busy") }, "\(answers)")
      #expect(lists > 0 && !flood.error.contains("Permission denied"), "\(flood.error.suffix(500))")
      #expect(try lab.tunnel(of: "kitchen-pi") == tunnel, "the other device's tunnel")
      #expect(try lab.fleetSucceeds("log", "--json").count == logged, "a claim is in the audit")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      try eventually("the flood's connections are gone") { lab.hostProcesses("sshd").count <= before }
      #expect(try lab.state("attic-pi") == "offline")
    }
  }

  /// Each claim says that the tunnel is about to be up, for which an operator waits a moment.
  @Test func aDeviceThatOnlyClaimsKeepsNobodyWaiting() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let hostile = try lab.hostileDevice()
      try lab.write(Self.claim + "\n", to: "claim", of: lab.box)
      let (master, through) = try hostile.connection()
      let line = hostile.line(through + ["-o", "ControlMaster=no"], ["claim"])
      let claims = try lab.start(
        lab.box, ["sh", "-c", "while \"$@\" <claim; do sleep 1.2; done", "sh"] + line)
      try eventually("it claims\n\(claims.error)") { claims.output.contains(#""ok":true"#) }
      let session = try lab.fleet("ssh", "attic-pi", "true", within: 60)
      #expect(session.status == 4 && session.error.contains("its tunnel is not up yet"), "\(session)")
      #expect(claims.wait(0) == nil, "\(claims.output)\n\(claims.error)")
      claims.stop()
      master.stop()
    }
  }

  /// Over one connection each: reports without a claim, one box that asks to join, an operator who lists.
  @Test func aFloodOfOtherRequestsDisturbsNobody() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      let image = try lab.createEnrollKey(named: "image")
      #expect(try lab.join(with: image, box: "one").output.contains("pending"))
      let own = try lab.succeed(lab.box, ["cat", "one.pub"]).split(separator: " ").prefix(2).joined(separator: " ")
      let other = try lab.hostileDevice()
      try lab.write(ReportBody(sshd: .up).line + "\n", to: "report", of: lab.box)
      try lab.write(
        JoinBody(key: try PublicKey(parsing: own), facts: ["serial": "one"], hostKeys: []).line + "\n", to: "join",
        of: lab.box)
      let tunnel = try lab.tunnel(of: "kitchen-pi")
      let logged = try lab.fleetSucceeds("log", "--json").count

      for (caller, request, answer) in [
        (other, "report", "request-refused"),
        (Thief(lab: lab, account: lab.box, key: image.key), "join", #""state":"pending""#),
        (lab.anna, "list", #""ok":true"#),
      ] {
        let (master, through) = try caller.connection()
        let flood = try lab.flood(
          80, atOnce: 40, caller.line(through + ["-o", "ControlMaster=no"], [request]),
          input: request == "list" ? "/dev/null" : request, by: caller.account)
        var most = 0
        while flood.wait(0) == nil {
          most = max(most, lab.hostProcesses("fleet-server").count)
          let claimed = try lab.run(lab.box, other.line([], ["claim"]), input: Self.claim + "\n", within: 60)
          #expect(claimed.output.contains(#""ok":true"#), "beside \(request): \(claimed)")
          #expect(try lab.state("kitchen-pi") == "online", "beside \(request)")
        }
        #expect(flood.output.split(separator: "\n").count { $0.contains(answer) } == 80, "\(flood.output.prefix(500))")
        // Each request is a shell that becomes fleet-server.
        #expect(most <= 90, "\(request): \(most) processes")
        master.stop()
      }
      #expect(try lab.fleetSucceeds("log", "--json").count == logged, "no such request is in the audit")
      #expect(try lab.tunnel(of: "kitchen-pi") == tunnel, "the device's tunnel")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
    }
  }
}

extension Lab {
  /// A device of which only the key is there, in the wrong hands.
  fileprivate func hostileDevice() throws -> Thief {
    Thief(
      lab: self, account: box,
      key: try provisionBundle("attic-pi", box: 1).deletingLastPathComponent().appending(path: "id_ed25519"))
  }

  /// The sshd that carries the device's tunnel.
  fileprivate func tunnel(of name: String) throws -> Int? {
    let id = try #require(try device(name)?["id"] as? String)
    let file = try succeed(hostA, ["sh", "-c", "cat ~/.local/state/fleet-server/sessions/\(id).json"])
    return (try Self.object(file)["sshd"] as? [String: Any])?["pid"] as? Int
  }

  /// Runs a command line so many times, so many of them at once, each with the file as its input.
  fileprivate func flood(
    _ times: Int, atOnce: Int, _ line: [String], input: String, by account: Account? = nil
  ) throws -> Running {
    try start(
      account ?? box,
      [
        "sh", "-c",
        "file=$1; shift; seq \(times) | xargs -P \(atOnce) -I{} sh -c '\"$@\" <\"$0\"' \"$file\" \"$@\"; true",
      ]
        + ["sh", input] + line)
  }

  /// The processes of HostA's account with this in their command line.
  fileprivate func hostProcesses(_ word: String) -> [pid_t] {
    Self.processes(of: [hostA.uid ?? getuid()]).filter { $0.1.contains(word) }.map(\.0)
  }
}
