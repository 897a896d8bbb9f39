import Foundation
import Testing

/// What a leaked golden image is good for: its enroll key, used by hand with ssh against the real sshd.
@Suite(.serialized) struct EnrollKeyTests {
  @Test(arguments: HostSSHD.here) func anEnrollKeyJoinsAndDoesNothingElse(_ sshd: HostSSHD) throws {
    try Lab.with { lab in
      lab.hostA.openSSH = sshd.folder
      let (server, _, _) = try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      let image = try lab.createEnrollKey(named: "image")
      let other = try lab.createEnrollKey(named: "other")
      let thief = Thief(lab: lab, account: lab.box, key: image.key)
      let own = (try #require(try lab.device("kitchen-pi")?["id"] as? String), lab.ports.leases.lowerBound)

      // Used as it is meant, the key works: two boxes wait.
      for box in ["one", "two"] {
        let joined = try lab.join(with: image, box: box)
        #expect(joined.output.contains(#""state":"pending","name":"kiosk-\#(box)""#), "\(joined)")
      }
      let operatorKey = try lab.succeed(lab.laptop, ["cat", lab.operatorKey.path + ".pub"])
      let taken = #"{"v":1,"key":"\#(operatorKey.split(separator: " ").prefix(2).joined(separator: " "))"}"#
      let attempts =
        try Forbidden.toAnEnrollKey(lab, device: own, other: other.id) + Forbidden.programs("join")
        + Forbidden.listening(own.1 + 20) + Forbidden.places(lab, own.1)
        + [.run("join", body: taken, codes: ["key-taken"])]
      #expect(attempts.count >= 10)
      _ = try thief.expectRefused(attempts, sshd: server)
      try thief.expectRawRequestsRefused(port: own.1 + 20, sshd: server)
      try thief.expectCleanEnvironment(during: "join", of: "enroll-key \(image.id)")

      #expect(try lab.join(with: image, box: "one").output.contains(#""state":"pending""#))
      #expect(try lab.state("kitchen-pi") == "online")
    }
  }

  @Test func aBoxLearnsWhatBecameOfItAlsoWhenTheKeyIsUsedUp() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let image = try lab.createEnrollKey(named: "image", uses: 2)
      for box in ["one", "two"] {
        #expect(try lab.join(with: image, box: box).output.contains(#""state":"pending""#))
      }
      let third = try lab.join(with: image, box: "three")
      #expect(third.status == 5 && third.output.contains("enroll-key-used-up"), "\(third)")

      #expect(try lab.asOperator("approve", "kiosk-one", body: #"{"v":1,"tags":{"site":"berlin"}}"#).status == 0)
      #expect(try lab.asOperator("reject", "kiosk-two").status == 0)
      let approved = try lab.join(with: image, box: "one")
      #expect(approved.output.contains(#""state":"approved","name":"kiosk-one""#), "\(approved)")
      let rejected = try lab.join(with: image, box: "two")
      #expect(rejected.status == 5 && rejected.output.contains("enrollment-rejected"), "\(rejected)")
      #expect(try lab.device("kiosk-one")?["state"] as? String == "offline")

      // The box's own key opens its port; nobody else's does.
      let port = lab.ports.leases.lowerBound
      let forward = ["-N", "-R", "127.0.0.1:\(port):127.0.0.1:22"]
      let tunnel = try Thief(lab: lab, account: lab.box, key: lab.box.home.appending(path: "one")).start(forward)
      try eventually("the tunnel stands\n\(tunnel.error)", within: 60) { PortBlock.isListening(port) }
      tunnel.stop()
      let stranger = try Thief(lab: lab, account: lab.box, key: lab.box.home.appending(path: "two")).run(forward)
      #expect(stranger.error.contains("Permission denied"), "\(stranger)")
    }
  }

  @Test func anExpiredKeyLetsNobodyInAndARemovedOneOpensNothing() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let image = try lab.createEnrollKey(named: "image", uses: 1000, expires_s: 10)
      // While a box waits for its answer, sshd lets the key in, and fleet-server refuses every other box.
      #expect(try lab.join(with: image, box: "in-time").status == 0)
      // The clock is HostA's: its own answer says when the time is over.
      var refused: Outcome?
      try eventually("the key expires", within: 60) {
        let outcome = try lab.join(with: image, box: "late-\(UUID().uuidString.prefix(4))")
        if outcome.status != 0 { refused = outcome }
        return refused != nil
      }
      #expect(refused?.status == 5 && refused?.output.contains("enroll-key-expired") == true, "\(refused as Any)")

      let second = try lab.createEnrollKey(named: "second")
      #expect(try lab.join(with: second, box: "waiting").status == 0)
      #expect(try lab.asOperator("enroll-key-remove", second.id).status == 0)
      #expect(try lab.join(with: second, box: "waiting").error.contains("Permission denied"))
    }
  }
}

/// An enroll key as an image carries it.
struct ImageKey {
  let id: String
  let key: URL
}

extension Lab {
  /// Sends an operator's request with the person's key, by ssh itself.
  func asOperator(_ request: String..., body: String = "") throws -> Outcome {
    let thief = Thief(lab: self, account: laptop, key: operatorKey)
    return try run(laptop, thief.line([], request), input: body + "\n", within: 60)
  }

  /// Makes a key pair on the box's account and an enroll key of its public half.
  func createEnrollKey(named name: String, uses: Int = 10, expires_s: Int = 3600) throws -> ImageKey {
    let body =
      #"{"v":1,"key":"\#(try publicKey(name))","pattern":"kiosk-{serial}","user":"pi","tags":{},"#
      + #""uses":\#(uses),"expires_s":\#(expires_s),"auto_approve":false}"#
    let reply = try asOperator("enroll-key-create", body: body)
    let object = try JSONSerialization.jsonObject(with: Data(reply.output.utf8)) as? [String: Any]
    return ImageKey(id: try #require(object?["id"] as? String), key: box.home.appending(path: name))
  }

  /// Asks to join for a box of this serial number, which has a key of its own.
  func join(with image: ImageKey, box serial: String) throws -> Outcome {
    let body =
      #"{"v":1,"key":"\#(try publicKey(serial))","facts":{"serial":"\#(serial)"},"#
      + #""host_keys":["\#(try publicKey("host-\(serial)"))"]}"#
    let thief = Thief(lab: self, account: box, key: image.key)
    return try run(box, thief.line([], ["join"]), input: body + "\n", within: 60)
  }

  /// The public half of a key in the box's home, which is made unless it is there.
  private func publicKey(_ name: String) throws -> String {
    let line = try succeed(
      box,
      ["sh", "-c", "[ -e \"$1\" ] || ssh-keygen -q -t ed25519 -N '' -f \"$1\"; cat \"$1.pub\"", "sh", name])
    return line.split(separator: " ").prefix(2).joined(separator: " ")
  }
}
