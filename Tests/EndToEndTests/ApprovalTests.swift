import Foundation
import Testing

/// Boxes of one image that wait, and the person who lets them in or turns them away.
@Suite(.serialized) struct ApprovalTests {
  @Test func whoWaitsIsShownApprovedOrRejected() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let image = try lab.makeEnrollKey(pattern: "kiosk-{serial}")
      #expect(try lab.fleet("list").error == "no device yet; the first one: fleet provision NAME --to USER@BOX\n")
      for serial in ["1", "2", "3"] {
        #expect(try lab.join(image, serial: serial).contains(#""state":"pending""#))
      }

      #expect(try lab.fleet("list").error == "3 boxes wait for approval; fleet list --pending\n")
      let table = try lab.fleetSucceeds("list", "--pending")
      let rows = table.split(separator: "\n")
      #expect(rows.count == 4 && rows[0].hasPrefix("NAME"), "\(table)")
      let printed = try lab.succeed(lab.box, ["ssh-keygen", "-lf", lab.kioskKey("1").path])
      #expect(rows[1].hasPrefix("kiosk-1 ") && rows[1].contains(printed.split(separator: " ")[1]), "\(table)")
      #expect(rows[1].contains("127.0.0.1") && rows[1].hasSuffix(#"hostname=ki\u{1b}[2Josk, serial=1"#), "\(table)")
      let json = try Lab.object(try lab.fleetSucceeds("list", "--pending", "--json"))
      let waiting = try #require(json["pending"] as? [[String: Any]])
      #expect(waiting.compactMap { $0["name"] as? String } == ["kiosk-1", "kiosk-2", "kiosk-3"])
      #expect(waiting.allSatisfy { ($0["fingerprint"] as? String)?.hasPrefix("SHA256:") == true })
      #expect(try lab.fleet("list", "--pending", "--all").status == 2)

      // Nothing is half done: who is unknown stops it before the others.
      for verb in ["approve", "reject"] {
        let unknown = try lab.fleet(verb, "kiosk-1", "kiosk-9")
        #expect(unknown.status == 3 && unknown.error.contains("no box waits as kiosk-9"), "\(unknown)")
        #expect(unknown.error.contains("kiosk-1"), "the near names: \(unknown)")
      }
      #expect(try lab.fleet("approve", "kiosk-1", "kiosk-2", "--as", "lobby").status == 2)
      #expect(try lab.fleet("approve", "kiosk-1", "--tag", "site").status == 2)
      #expect(try lab.fleet("approve", "kiosk-1", "--user", "-x").status == 2)
      #expect(try lab.fleetSucceeds("list", "--pending").split(separator: "\n").count == 4)

      let approved = try lab.fleet("approve", "kiosk-1", "--as", "lobby", "--tag", "site=berlin")
      let port = lab.ports.leases.lowerBound
      #expect(approved.status == 0 && approved.error.contains("approved kiosk-1 as lobby: port \(port)"), "\(approved)")
      #expect(try lab.join(image, serial: "1").contains(#""state":"approved""#))
      let device = try #require(try lab.device("lobby"))
      #expect(device["tags"] as? [String: String] == ["made": "image", "site": "berlin"])
      #expect(device["port"] as? Int == port && device["user"] as? String == "pi")
      let taken = try lab.fleet("approve", "kiosk-2", "--as", "lobby")
      #expect(taken.status == 1 && taken.error.contains("there is a device lobby already"), "\(taken)")

      #expect(try lab.fleet("reject", "kiosk-2").error == "rejected kiosk-2\n")
      #expect(try lab.join(image, serial: "2").contains("enrollment-rejected"))
      #expect(try lab.fleet("list").error.contains("1 box waits for approval"))
      try lab.fleetSucceeds("approve", "kiosk-3")
      let empty = try lab.fleet("list", "--pending")
      #expect(empty.status == 0 && empty.output.isEmpty && empty.error == "no box waits for approval\n", "\(empty)")
      let audit = try lab.audited("approve", "reject")
      #expect(
        audit.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == [
          "anna approve lobby", "anna reject kiosk-2", "anna approve kiosk-3",
        ])
      #expect(audit[0].contains("waited as kiosk-1"))
    }
  }
}

extension Lab {
  /// The key that the box of this serial number has made.
  fileprivate func kioskKey(_ serial: String) -> URL { box.home.appending(path: "kiosk-\(serial)") }

  /// Makes an enroll key, as it lies in an image. Returns its private key's file.
  fileprivate func makeEnrollKey(pattern: String) throws -> URL {
    let image = box.home.appending(path: "image_key")
    try succeed(box, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", image.path])
    let key = try publicKey(of: image)
    let anna = Thief(lab: self, account: laptop, key: operatorKey)
    let body = """
      {"v":1,"key":"\(key)","pattern":"\(pattern)","user":"pi","tags":{"made":"image"},"uses":9,"expires_s":3600,\
      "auto_approve":false}

      """
    try succeed(laptop, anna.line([], ["enroll-key-create"]), input: body)
    return image
  }

  /// What HostA answers to a box that asks with the image's key. The box's name for itself is one for a bad screen.
  fileprivate func join(_ image: URL, serial: String) throws -> String {
    let key = kioskKey(serial)
    if !FileManager.default.fileExists(atPath: key.path) {
      try succeed(box, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key.path])
    }
    let body = """
      {"v":1,"key":"\(try publicKey(of: key))","facts":{"serial":"\(serial)","hostname":"ki\\u001b[2Josk"},"host_keys":[]}

      """
    let asking = Thief(lab: self, account: box, key: image)
    return try run(box, asking.line([], ["join"]), input: body).output
  }

  private func publicKey(of file: URL) throws -> String {
    let text = try succeed(box, ["cat", file.path + ".pub"])
    return text.split(separator: " ").prefix(2).joined(separator: " ").replacing("\n", with: "")
  }
}
