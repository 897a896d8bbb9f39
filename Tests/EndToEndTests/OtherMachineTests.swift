import Foundation
import Testing

/// HostA is lost, and another machine takes its place from a backup.
@Suite(.serialized) struct OtherMachineTests {
  private static let count = 100

  @Test func aHundredDevicesComeBackToARestoredHostA() throws {
    try Lab.with { lab in
      let leases = WidePortBlock()
      try lab.initHostA(["--ports", "\(leases.ports.lowerBound)-\(leases.ports.upperBound)"])
      let server = try lab.runHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let rows = (1...Self.count).map { "box-\($0),\(lab.box.name),\n" }.joined()
      try lab.write("name,user,tags\n" + rows, to: "devices.csv", of: lab.laptop)
      // Their agent is the one that is installed here, so that no bundle need carry it.
      try lab.fleetSucceeds(
        "provision", "--from", "devices.csv", "--bundle-dir", "bundles", "--sshd-port", "\(lab.ports.box(0))",
        "--agent", "/bin/true", within: 120)
      try lab.carry("bundles", to: "bundles")
      try lab.succeed(
        lab.box, ["sh", "-c", "for file in bundles/*.tar.gz; do tar -xzf \"$file\" || exit; done"], within: 120)
      let agents = try lab.start(
        lab.box,
        [
          "sh", "-c",
          """
          trap 'trap - TERM; kill 0' TERM
          for file in fleet-agent-*/agent.json; do fleet-agent run --config "$file" & done
          wait
          """,
        ])
      try allOnline(lab)
      let keyFile = lab.serverHome.appending(path: "authorized_keys")
      try eventually("every device has the key that it made itself", within: 120) {
        let text = try String(contentsOf: keyFile, encoding: .utf8)
        return !text.contains(" replace\"") && !text.contains(" next\"")
      }
      let listed = try devices(lab)

      try lab.succeed(lab.hostA, ["fleet-server", "backup", "hosta.backup"])
      let backup = try Data(contentsOf: lab.hostA.home.appending(path: "hosta.backup"))
      server.stop()
      try FileManager.default.removeItem(at: lab.hostA.home)

      lab.hostA = try secondHostA(lab)
      try backup.write(to: lab.hostA.home.appending(path: "hosta.backup"))
      if let uid = lab.hostA.uid { chown(lab.hostA.home.appending(path: "hosta.backup").path, uid, uid) }
      let verified = try lab.succeed(lab.hostA, ["fleet-server", "backup", "verify", "hosta.backup"])
      #expect(verified.contains("\(Self.count) devices"), "\(verified)")
      try lab.succeed(lab.hostA, ["fleet-server", "restore", "hosta.backup"])
      try lab.runHostA()

      try allOnline(lab)
      #expect(agents.wait(0) == nil)
      #expect(try devices(lab) == listed)
      #expect(try lab.fleetSucceeds("ssh", "box-42", "echo back") == "back\n")
      agents.stop()
    }
  }

  /// Names, identities and ports.
  private func devices(_ lab: Lab) throws -> Set<String> {
    let list = try Lab.object(try lab.fleetSucceeds("list", "--all", "--json"))["devices"] as? [[String: Any]] ?? []
    return Set(list.map { "\($0["name"] ?? "") \($0["id"] ?? "") \($0["port"] ?? "")" })
  }

  private func allOnline(_ lab: Lab) throws {
    try eventually("\(Self.count) devices are online", within: 180) {
      let list = try Lab.object(try lab.fleetSucceeds("list", "--json"))["devices"] as? [[String: Any]] ?? []
      return list.filter { $0["state"] as? String == "online" }.count == Self.count
    }
  }

  /// An account of the same name, with another number where the lab has accounts of its own, and an empty home elsewhere.
  private func secondHostA(_ lab: Lab) throws -> Account {
    let home = lab.folder.appending(path: "second")
    for folder in [home, home.appending(path: "run")] {
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }
    guard lab.hostA.uid != nil else {
      return Account(name: lab.hostA.name, home: home, uid: nil, passwd: lab.hostA.passwd)
    }
    let uid = lab.ports.uids.upperBound
    for folder in [home, home.appending(path: "run")] { chown(folder.path, uid, uid) }
    let passwd = lab.folder.appending(path: "passwd-second")
    let others = try String(contentsOf: lab.hostA.passwd, encoding: .utf8).split(separator: "\n")
      .filter { !$0.hasPrefix("\(lab.hostA.name):") }
    try Data((others + ["\(lab.hostA.name):x:\(uid):\(uid)::\(home.path):/bin/sh", ""]).joined(separator: "\n").utf8)
      .write(to: passwd)
    return Account(name: lab.hostA.name, home: home, uid: uid, passwd: passwd)
  }
}
