import FleetProtocol
import Foundation
import Testing
import ThrowawaySSHD

@testable import FleetAgent

/// A golden image in a folder, and what becomes of it on a machine.
private struct Image {
  let folder: URL
  var agentPath: String { folder.appending(path: "agent.json").path }

  static func with(_ body: (Image) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-image-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(Image(folder: folder))
  }

  /// Writes `enroll.json` and the enroll key. Returns the key's public line.
  func bake(hostKey: String, port: UInt16, sshdPort: UInt16 = 22) throws -> String {
    let line = try ThrowawaySSHD.makeKey(at: folder.appending(path: "enroll_ed25519"))
    let configuration = EnrollmentConfiguration(
      host: HostAddress(
        account: try LoginName(validating: ThrowawaySSHD.account),
        endpoints: [HostAddress.Endpoint(address: "127.0.0.1", port: TCPPort(port)!)],
        hostKeys: [try PublicKey(parsing: hostKey)]), keyFile: "enroll_ed25519", sshdPort: TCPPort(sshdPort)!)
    try Data(configuration.text.utf8).write(to: folder.appending(path: "enroll.json"))
    unlink(folder.appending(path: "enroll_ed25519.pub").path)
    return line
  }

  var names: Set<String> {
    get throws { Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) }
  }
}

@Suite(.timeLimit(.minutes(2))) struct EnrollmentTests {
  private static let hostKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyT1n8Ft1Kb3E6Sbex5sB4uKq6dooJq6eDMJjdDiszX"

  private func machine(_ serial: String) -> MachineIdentity? {
    MachineIdentity(serial: serial, mac: nil, machineID: nil)
  }

  @Test func clonesOfABootedImageEachHaveAKeyOfTheirOwn() throws {
    try Image.with { image in
      _ = try image.bake(hostKey: Self.hostKey, port: 22)
      let files = try #require(try EnrollmentFiles(beside: image.agentPath))
      let first = try files.boxKey(on: machine("box-one"))
      #expect(try files.boxKey(on: machine("box-one")) == first, "the same box keeps its key")
      #expect(try files.boxKey(on: machine("box-two")) != first, "a clone has its own")
      #expect(try image.names == ["enroll.json", "enroll_ed25519", "id_ed25519", "machine"])
      // Nobody knows where a key without its machine's name was made.
      let second = try files.boxKey(on: machine("box-two"))
      unlink(image.folder.appending(path: "machine").path)
      #expect(try files.boxKey(on: machine("box-two")) != second)
    }
  }

  @Test func aDeviceIsNoBoxThatJoinsAndWhatIsLeftOfThatIsDeleted() throws {
    try Image.with { image in
      #expect(try EnrollmentFiles(beside: image.agentPath) == nil)
      _ = try image.bake(hostKey: Self.hostKey, port: 22)
      try EnrollmentFiles.removeLeftovers(beside: image.agentPath)
      #expect(try image.names == ["enroll.json", "enroll_ed25519"], "no device yet")
      try Data("{}".utf8).write(to: URL(filePath: image.agentPath))
      #expect(try EnrollmentFiles(beside: image.agentPath) == nil)
      try EnrollmentFiles.removeLeftovers(beside: image.agentPath)
      #expect(try image.names == ["agent.json"])
    }
  }

  @Test func refusesWhatItCannotUse() throws {
    try Image.with { image in
      _ = try image.bake(hostKey: Self.hostKey, port: 22)
      let files = try #require(try EnrollmentFiles(beside: image.agentPath))
      chmod(image.folder.appending(path: "enroll_ed25519").path, 0o644)
      #expect { try files.enrollKey() } throws: { ($0 as? Refusal)?.message.contains("enroll key") == true }
      try Data("{}".utf8).write(to: image.folder.appending(path: "enroll.json"))
      #expect { try EnrollmentFiles(beside: image.agentPath) } throws: {
        ($0 as? Refusal)?.code == .configurationInvalid
      }
    }
  }

  /// The loop against a stock sshd whose forced command first lets the box wait and then approves it.
  @Test func theLoopWaitsAndBecomesADevice() throws {
    try Image.with { image in
      let box = try ThrowawaySSHD(authorizedKeys: "")
      let reply = image.folder.deletingLastPathComponent().appending(path: "reply-\(UUID().uuidString)")
      let asked = reply.appendingPathExtension("asked")
      defer {
        box.stop()
        for file in [reply, asked] { try? FileManager.default.removeItem(at: file) }
      }
      // sshd reads the key file at each login, so that the key may come into it later.
      let hostA = try ThrowawaySSHD(authorizedKeys: "")
      defer { hostA.stop() }
      let enrollKey = try image.bake(hostKey: hostA.hostKeys[0], port: hostA.port, sshdPort: box.port)
      let command = "cat >>\(asked.path); cat \(reply.path)"
      try Data("restrict,command=\"\(command)\" \(enrollKey)\n".utf8)
        .write(to: hostA.folder.appending(path: "authorized_keys"))

      @Sendable func answer(_ fields: JSONObject) throws {
        try Data((Reply.ok(fields).line + "\n").utf8).write(to: reply, options: .atomic)
      }
      let name = try DeviceName(validating: "kiosk-7")
      try answer(JoinReply.pending(name: name, retry_s: 1).fields)
      let files = try #require(try EnrollmentFiles(beside: image.agentPath))
      let loop = try EnrollmentLoop(files)
      #expect { try EnrollmentLoop(files) } throws: { ($0 as? Refusal)?.code == .alreadyRunning }

      Thread.detachNewThread {
        let deadline = ContinuousClock.now + .seconds(60)
        var report: EnrollmentReport?
        while report?.state != "pending", ContinuousClock.now < deadline {
          report = try? StatusSocket.ask(files.statusName, owner: getuid(), parse: EnrollmentReport.init(parsing:))
        }
        #expect(report?.sentence.hasPrefix("waits for approval as kiosk-7") == true && report?.name == "kiosk-7")
        let host = files.configuration.host
        try? answer(
          JoinReply.approved(device: DeviceID(random: 7), name: name, port: TCPPort(20007)!, host: host).fields)
      }
      #expect(loop.run())
      let agent = try ConfigurationFile(path: image.agentPath)
      #expect(agent.configuration.name == name && agent.configuration.port == TCPPort(20007))
      #expect(agent.configuration.host == files.configuration.host && !agent.configuration.reportHostKeys)
      _ = try agent.privateKey()
      let bodies = try String(contentsOf: asked, encoding: .utf8).split(separator: "\n")
      let first = try JoinBody(parsing: Array(try #require(bodies.first).utf8))
      #expect(bodies.count >= 2 && Set(bodies).count == 1, "the same is asked each time")
      #expect(first.hostKeys.map(\.description) == box.hostKeys)
      #expect(first.facts["hostname"] != nil)
      let own = image.folder.appending(path: "id_ed25519").path
      #expect(try ThrowawaySSHD.publicLine(ofPrivateKeyAt: own) == first.key.description)
      try EnrollmentFiles.removeLeftovers(beside: image.agentPath)
      #expect(try image.names == ["agent.json", "id_ed25519", "machine"])
    }
  }
}
