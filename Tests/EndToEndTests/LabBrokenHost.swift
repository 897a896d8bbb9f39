import Foundation
import GRDB
import Testing

/// What must go on while a part of HostA is broken, and what must not happen.
extension Lab {
  /// The sshd process that holds the device's port.
  func portHolder(_ port: Int) throws -> pid_t? {
    guard getuid() == 0 else { return PortBlock.isListening(port) ? try carryingSSHD() : nil }
    let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n")
    let place = " 0100007F:" + String(port, radix: 16, uppercase: true)
    let inode = table.first { $0.contains(place + " ") && $0.contains(" 0A ") }.flatMap { line in
      line.split(separator: " ").dropFirst(9).first
    }
    guard let inode else { return nil }
    return Self.processes(of: [hostA.uid ?? getuid()]).map(\.0).first { pid in
      let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
      return descriptors.contains {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")) == "socket:[\(inode)]"
      }
    }
  }

  /// Waits until another sshd than `before` holds the device's port and the list calls the device online.
  @discardableResult func isBack(_ name: String, after before: pid_t?, within limit_s: Double = 60) throws -> pid_t {
    var holder: pid_t?
    try eventually("\(name) is back\n\(story)", within: limit_s) {
      holder = try portHolder(ports.leases.lowerBound)
      return try holder != nil && holder != before && state(name) == "online"
    }
    return try #require(holder)
  }

  /// The device's connection ends twice: first by itself, and then because the next claim ends it, which must find in what
  /// the first recorded whom to end. Each time the device is back and can be worked on.
  func comesBackTwice(_ name: String, configuration: URL) throws {
    let first = try #require(try portHolder(ports.leases.lowerBound))
    #expect(kill(first, SIGTERM) == 0)
    let second = try isBack(name, after: first)
    let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
    // The same box by its boot: two boxes would be told from one.
    let bootID = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8).prefix(36)
    let claim = try Thief(lab: self, account: box, key: key).ask(
      "claim", body: #"{"v":1,"agent_version":"0.1.0","boot_id":"\#(bootID)","keepalive_s":10}"#)
    #expect(claim.isOK && claim.fields["took_over"] as? Bool == true, "\(claim)")
    try isBack(name, after: second)
  }

  /// Asks for one change of each kind, all at once, as different people do.
  func startChanges(_ name: String) throws -> [Running] {
    let (_, key) = try boxKey("key-\(UUID().uuidString.prefix(8))")
    let eve = "eve\(UUID().uuidString.prefix(8).lowercased())"
    try succeed(hostA, ["sh", "-c", "echo \"$1\" >\"/tmp/$2.pub\"", "sh", try boxKey(eve).key, eve])
    let requests = [
      ("provision new-pi", provisionBody(key)), ("remove \(name)", ""), ("rename \(name) other-pi", ""),
      ("tag \(name)", #"{"v":1,"set":{"site":"berlin"}}"#),
    ]
    return try requests.map { request, body in
      try start(anna.account, anna.line([], [request]), input: body + "\n")
    } + [
      start(
        hostA,
        [
          "sh", "-c", "fleet-server operator add \"$1\" --key \"/tmp/$1.pub\"; s=$?; rm \"/tmp/$1.pub\"; exit $s", "sh",
          eve,
        ]
      )
    ]
  }

  /// Each of the changes is refused by one of these codes in one sentence.
  func areRefused(_ changes: [Running], by codes: Set<String>, within limit_s: Double = 60) throws {
    for change in changes {
      let status = change.wait(limit_s)
      #expect(status == 1, "\(change.arguments.suffix(1)): \(change.output)\(change.error)")
      if let line = change.output.split(separator: "\n").first {
        let reply = try Self.object(String(line))
        #expect(reply["ok"] as? Bool == false && codes.contains(reply["code"] as? String ?? ""), "\(line)")
        #expect(change.output.split(separator: "\n").count == 1)
      } else {
        // At HostA's own command line: the sentence, and a hint below it.
        #expect(
          change.error.hasPrefix("fleet-server: ") && change.error.split(separator: "\n").count <= 2, "\(change.error)")
      }
    }
  }

  /// What changes change: the registry without what the watch writes, the key file, and whatever was half written.
  func lastingState() throws -> [String] {
    var lines: [String] = []
    for query in [
      "SELECT id, name, key, next_key, user, replaces_key, provisioned_s FROM devices ORDER BY id",
      "SELECT * FROM leases ORDER BY port", "SELECT * FROM quarantine ORDER BY port",
      "SELECT * FROM tags ORDER BY device, key",
      "SELECT name, key, role FROM operators ORDER BY name",
      "SELECT id, action FROM audit WHERE action NOT LIKE '%connect' ORDER BY id",
    ] {
      lines += try registryRows(query).map { "\($0)" }
    }
    let home = hostA.seen(serverHome)
    lines.append(try String(contentsOf: home.appending(path: "authorized_keys"), encoding: .utf8))
    let files = FileManager.default.enumerator(atPath: home.path)?.compactMap { $0 as? String } ?? []
    return lines + files.filter { $0.hasSuffix(".new") }
  }

  /// All changes work.
  func changesWork() throws {
    let (_, key) = try boxKey("key-\(UUID().uuidString.prefix(8))")
    let name = "pi-\(UUID().uuidString.prefix(8).lowercased())"
    let port = try anna.succeed("provision \(name)", body: provisionBody(key)).fields["port"] as? Int
    try anna.succeed("rename \(name) x-\(name)")
    #expect(try anna.succeed("remove x-\(name)").fields["port"] as? Int == port)
  }

  /// Gives HostA mounts of its own, in which the test can change what is there while HostA works, with a small disk for
  /// its folder. Needs root.
  func giveHostAItsOwnDisk(size: String) throws {
    let uid = try #require(hostA.uid)
    let disk = hostA.home.appending(path: ".local/state")
    try succeed(hostA, ["mkdir", "-p", "-m", "700", disk.path])
    let root = Account(name: "root", home: folder, uid: nil, passwd: hostA.passwd)
    let holder = try start(
      root,
      [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        """
        mount --bind "$1" /etc/passwd && mount -t tmpfs -o "$2" tmpfs "$3" && echo ready && exec sleep 3600
        """, "sh", hostA.passwd.path, "size=\(size),mode=700,uid=\(uid),gid=\(uid)", disk.path,
      ])
    try eventually("HostA has a disk of its own\n\(holder.error)") { holder.output.contains("ready") }
    hostA.mountsOf = holder.pid
  }

  /// Runs a command of root's in HostA's mounts.
  func inHostAsMounts(_ arguments: [String]) throws {
    let holder = try #require(hostA.mountsOf)
    let outcome = try Tool.run(["nsenter", "--mount=/proc/\(holder)/ns/mnt", "--"] + arguments)
    guard outcome.status == 0 else { throw CommandFailed(arguments: arguments, outcome: outcome) }
  }

  /// What HostA keeps in memory in the place of files that it cannot write.
  var inMemory: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []
    return names.filter { $0.hasPrefix("fleet-server-\(hostA.uid ?? getuid())-") }
  }
}
