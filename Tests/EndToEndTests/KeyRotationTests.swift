import Foundation
import Testing

/// A device's key is replaced, step by step and by hand, against the real sshd.
@Suite(.serialized) struct KeyRotationTests {
  @Test func aKeyIsReplacedInTwoStepsAndNobodyIsLockedOut() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let (old, oldKey) = try lab.boxKey("old")
      let (new, newKey) = try lab.boxKey("new")
      let (_, thirdKey) = try lab.boxKey("third")
      let lease = try lab.anna.succeed(
        "provision kitchen-pi", body: lab.provisionBody(oldKey, more: #","replaces_key":true"#))
      let device = try #require(lease.fields["device"] as? String)
      #expect(try old.claim().fields["rotate_key"] as? Bool == true)
      #expect(try new.isShutOut, "nobody has named it yet")

      // First step: the old key names the new one, and both open HostA. The answer may be lost.
      for _ in 0..<2 { #expect(try old.rotate(to: newKey).fields["state"] as? String == "pending") }
      #expect(try lab.keyLines(of: device).map { $0.contains(" next\"") } == [false, true])
      #expect(try old.claim().isOK && new.claim().isOK)
      // A key that has not been shown to be there promotes nothing, and speaks for no other.
      #expect(try new.rotate(to: thirdKey).code == "request-refused")
      #expect(try new.ask("list").code == "request-refused")
      // Connections of the leaked key that were open all the time.
      let leaked = try old.stay()
      #expect(try old.claim(options: leaked).isOK)

      // Second step: the new key names itself.
      for _ in 0..<2 { #expect(try new.rotate(to: newKey).fields["state"] as? String == "current") }
      #expect(try lab.keyLines(of: device).count == 1 && lab.keyLines(of: device)[0].contains(newKey))
      #expect(try old.isShutOut)
      #expect(try new.claim().fields["rotate_key"] as? Bool == false)
      // What was open by the old key neither takes the port nor brings a key back.
      #expect(try !old.claim(options: leaked).isOK)
      #expect(try !old.rotate(to: oldKey, options: leaked).isOK)
      #expect(try new.claim().isOK && old.isShutOut)
      #expect(try lab.audit(of: device) == ["anna provision", "device rotate-key", "device rotate-key"])
    }
  }

  /// The old key's own connection outlives the change without having claimed.
  @Test func aConnectionByTheOldKeyBringsNoKeyBack() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let (old, oldKey) = try lab.boxKey("old")
      let (new, newKey) = try lab.boxKey("new")
      try lab.anna.succeed("provision kitchen-pi", body: lab.provisionBody(oldKey))
      let leaked = try old.stay()
      #expect(try old.rotate(to: newKey).isOK && new.rotate(to: newKey).isOK)
      for answer in [try old.claim(options: leaked), try old.rotate(to: oldKey, options: leaked)] {
        #expect(answer.code == "claim-busy", "\(answer)")
      }
      #expect(try old.isShutOut && new.claim().isOK)
    }
  }

  @Test func aKeyThatIsAnybodyElsesIsRefused() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let (mine, key) = try lab.boxKey("mine")
      let (other, otherKey) = try lab.boxKey("other")
      let (_, otherNext) = try lab.boxKey("other-next")
      try lab.anna.succeed("provision kitchen-pi", body: lab.provisionBody(key))
      try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(otherKey))
      #expect(try other.rotate(to: otherNext).isOK)
      let annas = try lab.succeed(lab.laptop, ["cat", lab.operatorKey.path + ".pub"]).split(separator: " ")
        .prefix(2).joined(separator: " ")
      for taken in [otherKey, otherNext, annas] { #expect(try mine.rotate(to: taken).code == "key-taken") }
      #expect(try lab.anna.ask("provision hall-pi", body: lab.provisionBody(otherNext)).code == "key-taken")
      #expect(try lab.anna.ask("replace kitchen-pi", body: lab.provisionBody(otherNext)).code == "key-taken")
      #expect(try lab.anna.succeed("version").isOK && mine.claim().isOK && other.claim().isOK)
    }
  }

  /// The person has a device replace its key: it is back at once, and hears of it.
  @Test func aDeviceThatIsRekeyedComesBackAndIsAsked() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let device = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
      let before = try Data(contentsOf: key)
      #expect(try lab.anna.succeed("rekey kitchen-pi").fields["ended"] as? Bool == true)
      #expect(try lab.audit(of: device).contains("anna rekey"))
      try lab.keyIsSettled("kitchen-pi", agent: agent)
      #expect(try Data(contentsOf: key) != before)
      #expect(try Thief(lab: lab, account: lab.box, key: key).ask("rekey kitchen-pi").code == "request-refused")
    }
  }
}
