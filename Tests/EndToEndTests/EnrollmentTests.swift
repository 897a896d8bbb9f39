import Foundation
import Testing

/// One image for many boxes: each makes a key of its own, asks with the enroll key and waits until it is approved.
@Suite(.serialized) struct EnrollmentTests {
  /// A golden image's folder on a box.
  private struct Image {
    let lab: Lab
    let folder: URL
    var configuration: URL { folder.appending(path: "agent.json") }

    var names: Set<String> { Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []) }

    /// The folder with all that is in it, on another box.
    func clone(_ name: String) throws -> Image {
      let copy = Image(lab: lab, folder: lab.box.home.appending(path: name))
      try lab.succeed(lab.box, ["cp", "-a", folder.path, copy.folder.path])
      return copy
    }

    func start() throws -> Running {
      try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
    }
  }

  /// What the person at the laptop asks of HostA.
  private func ask(_ lab: Lab, _ words: String..., body: [String: Any] = [:]) throws -> [[String: Any]] {
    let line = Thief(lab: lab, account: lab.laptop, key: lab.operatorKey).line([], words)
    var body = body
    body["v"] = 1
    let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self) + "\n"
    let output = try lab.succeed(lab.laptop, line, input: text)
    return output.split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
  }

  /// Makes an enroll key on HostA and an image with it.
  private func bake(_ lab: Lab, uses: Int = 200, approves: Bool = false) throws -> Image {
    let image = Image(lab: lab, folder: lab.box.home.appending(path: "image"))
    try lab.succeed(lab.box, ["mkdir", "-m", "700", image.folder.path])
    let key = image.folder.appending(path: "enroll_ed25519")
    try lab.succeed(lab.box, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key.path])
    let line = try lab.succeed(lab.box, ["cat", key.path + ".pub"]).trimmingCharacters(in: .whitespacesAndNewlines)
    let body: [String: Any] = [
      "key": line, "pattern": "kiosk-{hostname}", "user": lab.box.name, "tags": ["site": "fair"], "uses": uses,
      "expires_s": 3600, "auto_approve": approves,
    ]
    let reply = try ask(lab, "enroll-key-create", body: body)
    let enroll: [String: Any] = [
      "v": 1, "host": try #require(reply.first?["host"]), "key_file": "enroll_ed25519",
      "sshd_port": Int(lab.ports.box(0)),
    ]
    let text = String(decoding: try JSONSerialization.data(withJSONObject: enroll), as: UTF8.self)
    try lab.write(text, to: "image/enroll.json", of: lab.box)
    try lab.succeed(lab.box, ["rm", key.path + ".pub"])
    return image
  }

  private func withHostA(_ body: (Lab) throws -> Void) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      try body(lab)
    }
  }

  @Test func aBoxWaitsForApprovalAndGoesOnAsADevice() throws {
    try withHostA { lab in
      let image = try bake(lab)
      let agent = try image.start()
      var name = ""
      try eventually("the box waits\n\(agent.error)") {
        name = try ask(lab, "pending").dropFirst().first?["name"] as? String ?? ""
        return !name.isEmpty
      }
      try eventually("the box knows that it waits\n\(agent.error)") {
        try lab.agentStatus(image.configuration).output.contains("state       waits for approval as \(name)")
      }
      let waiting = try lab.agentStatus(image.configuration)
      #expect(waiting.status == 4 && waiting.output.contains("device      none yet"), "\(waiting)")
      let row = try #require(try ask(lab, "pending").dropFirst().first)
      let facts = try #require(row["facts"] as? [String: String])
      #expect(facts["hostname"] != nil && facts["arch"] != nil && (row["host_keys"] as? [String])?.count == 1)
      // Killed and started again, it is the same box.
      agent.stop(SIGKILL)
      let key = try Data(contentsOf: image.folder.appending(path: "id_ed25519"))
      let again = try image.start()
      try eventually("it asks again\n\(again.error)") { again.error.contains("waits for approval as \(name)") }
      #expect(try Data(contentsOf: image.folder.appending(path: "id_ed25519")) == key)
      #expect(try ask(lab, "pending").count == 2)

      _ = try ask(lab, "approve", name)
      try lab.online(name, agent: again, within: 60)
      #expect(try lab.fleetSucceeds("ssh", name, "echo reached").contains("reached"))
      #expect(image.names == ["agent.json", "id_ed25519", "machine"])
      #expect(try lab.agentStatus(image.configuration).status == 0)
      // From now on it is a device like any other.
      again.stop()
      try lab.startAgent(name, configuration: image.configuration)
    }
  }

  @Test func clonesOfABootedImageAreTwoDevices() throws {
    try withHostA { lab in
      let image = try bake(lab, approves: true)
      // The image was booted once on the bench, where HostA could not be reached, and then copied.
      let bench = try image.clone("bench")
      try lab.succeed(
        lab.box, ["sh", "-c", "sed -i 's/\"port\":\(lab.ports.hostA)/\"port\":1/' \(bench.folder.path)/enroll.json"])
      let booted = try bench.start()
      try eventually("the image has a key\n\(booted.error)") { bench.names.contains("id_ed25519") }
      booted.stop()
      try lab.succeed(lab.box, ["cp", image.folder.appending(path: "enroll.json").path, bench.folder.path])
      // The copy comes up in another machine.
      let copy = try bench.clone("copy")
      try lab.succeed(lab.box, ["sh", "-c", "echo 'serial another' >\(copy.folder.path)/machine"])

      let agents = [try bench.start(), try copy.start()]
      for (image, agent) in zip([bench, copy], agents) {
        try eventually("the box is a device\n\(agent.error)", within: 60) { image.names.contains("agent.json") }
      }
      let keys = try [bench, copy].map { try Data(contentsOf: $0.folder.appending(path: "id_ed25519")) }
      #expect(keys[0] != keys[1])
      try eventually("both are online", within: 60) {
        let list = try JSONSerialization.jsonObject(with: Data(lab.fleetSucceeds("list", "--json").utf8))
        return ((list as? [String: Any])?["devices"] as? [[String: Any]])?.count { $0["state"] as? String == "online" }
          == 2
      }
    }
  }

  @Test func aRejectedBoxAndAUsedUpKeyAreToldAndAskSeldom() throws {
    try withHostA { lab in
      let image = try bake(lab, uses: 1)
      let agent = try image.start()
      var name = ""
      try eventually("the box waits\n\(agent.error)") {
        name = try ask(lab, "pending").dropFirst().first?["name"] as? String ?? ""
        return !name.isEmpty
      }
      let late = try image.clone("late")
      try lab.succeed(lab.box, ["rm", late.folder.appending(path: "machine").path])
      let second = try late.start()
      try eventually("the second box is told\n\(second.error)") {
        try lab.agentStatus(late.configuration).output.contains("HostA does not let this box join: ")
      }
      let status = try lab.agentStatus(late.configuration).output
      #expect(status.contains("min because"), "\(status)")

      _ = try ask(lab, "reject", name)
      agent.stop()
      let again = try image.start()
      try eventually("the first box is told\n\(again.error)") { again.error.contains("an operator rejected this box") }
      #expect(image.names.contains("enroll.json") && !image.names.contains("agent.json"))
    }
  }
}
