import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// `fleet-server backup`, `backup verify` and `restore`, by the program.
@Suite struct BackupTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer
  private let file: String

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    file = folder.path + "/hosta.backup"
    try server.initialise()
    for number in 1...3 { try provision(number) }
  }

  /// Returns the device's port, which depends on what else this machine does.
  @discardableResult private func provision(_ number: Int, _ server: BuiltServer? = nil) throws -> Int {
    let result = try (server ?? self.server).request(
      "provision box-\(number)",
      body: #"{"v":1,"key":"\#(try sampleKey(100 + number))","user":"pi","tags":{},"host_keys_from_first_claim":true}"#)
    try #require(result.status == 0, "\(result)")
    let reply = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return try #require(reply?["port"] as? Int)
  }

  /// Kills the program at many moments of its work, the last of them when it is through.
  private func kill(_ arguments: [String], rounds: Int = 25, _ body: (Int) throws -> Void) throws {
    let begin = ContinuousClock.now
    _ = try server.run(arguments)
    let whole_us = (ContinuousClock.now - begin) / .microseconds(1)
    var unfinished = 0
    for round in 0..<rounds {
      let process = try server.start(arguments)
      usleep(UInt32(whole_us * (0.2 + Double(round) / Double(rounds))))
      process.signal(SIGKILL)
      if process.result().status != 0 { unfinished += 1 }
      try body(round)
    }
    #expect(unfinished > 0, "the kill came too late each time")
  }

  private func names(_ server: BuiltServer? = nil) throws -> [String] {
    let registry = try Registry.open(Home(path: (server ?? self.server).home))
    return try registry.listedDevices().map(\.name.rawValue)
  }

  private func mode(_ path: String) -> Int {
    ((try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int) ?? -1
  }

  private func succeed(_ arguments: String..., on server: BuiltServer? = nil) throws -> String {
    let result = try (server ?? self.server).run(arguments)
    try #require(result.status == 0, "\(result)")
    return result.output
  }

  private func code(_ path: String) -> Refusal.Code? {
    do { _ = try Backup.read(path) } catch { return error.code }
    return nil
  }

  @Test func aBackupSaysWhatIsInIt() throws {
    let made = try succeed("backup", file)
    #expect(made.contains("127.0.0.1:2222") && made.contains("3 devices, 1 operator, 0 enroll keys"), "\(made)")
    #expect(mode(file) == 0o600)
    let verified = try succeed("backup", "verify", file)
    #expect(verified.contains("3 devices") && verified.contains("whole"), "\(verified)")
    #expect(verified.contains("by fleet-server \(FleetVersion.current)"))
    // Only what was asked for is left, here and in the home.
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.filter { $0.contains(".backup") } == ["hosta.backup"])
    let streamed = try SpawnedProcess(
      "sh", ["-c", "\(BuiltServer.path) backup - >\(folder.path)/streamed"],
      environment: ["PATH": "/usr/bin:/bin", "FLEET_SERVER_HOME": server.home], input: ""
    ).result()
    #expect(streamed.status == 0 && streamed.errors.contains("3 devices"), "\(streamed)")
    #expect(try succeed("backup", "verify", folder.path + "/streamed").contains("whole"))
    #expect(!FileManager.default.fileExists(atPath: server.home + "/backup-for-standard-output"))
  }

  @Test func onlyABackupIsReplaced() throws {
    try FileReplacement.write("my only copy".utf8, to: file, durable: false)
    let refused = try server.run(["backup", file])
    #expect(refused.status == 1 && refused.errors.contains("is no backup"), "\(refused)")
    #expect(FileReading.line(of: file) == "my only copy")
    #expect(code(file) == .backupUnusable)
    unlink(file)
    _ = try succeed("backup", file)
    try provision(4)
    #expect(try succeed("backup", file).contains("4 devices"))
    #expect(try server.run(["backup", folder.path + "/nowhere/file"]).status == 1)
  }

  @Test func everyFlippedByteAndEveryMissingOneIsNoticed() throws {
    _ = try succeed("backup", file)
    let whole = try #require(try FileReading.bytes(of: file))
    let other = folder.path + "/other.backup"
    try FileReplacement.write(whole, to: other, durable: false)
    let descriptor = open(other, O_RDWR)
    defer { close(descriptor) }
    var numbers = SeededNumbers(state: 3)
    // Each byte of the first page, and many of the others.
    let places = Array(0..<4096) + (0..<4000).map { _ in Int.random(in: 4096..<whole.count, using: &numbers) }
    var unnoticed: [Int] = []
    for place in places {
      var changed = whole[place] ^ UInt8.random(in: 1...255, using: &numbers)
      pwrite(descriptor, &changed, 1, off_t(place))
      if Backup.isBackup(other), RegistryFile.firstDamagedPage(other) == 0 { unnoticed.append(place) }
      changed = whole[place]
      pwrite(descriptor, &changed, 1, off_t(place))
    }
    #expect(unnoticed.isEmpty, "\(unnoticed)")
    #expect(code(other) == nil)
    for count in [0, 1, 71, 72, 100, 511, 512, 4096, 4097, whole.count - 4096, whole.count - 1] {
      try FileReplacement.write(whole[..<count], to: other, durable: false)
      #expect(code(other) == .backupUnusable, "\(count)")
    }
    try FileReplacement.write(whole + [0], to: other, durable: false)
    #expect(code(other) == .backupUnusable)
    #expect(code(folder.path + "/nothing") == .ioFailed)
    let refused = try server.run(["restore", other])
    #expect(refused.status == 1 && refused.errors.contains("is damaged"), "\(refused)")
  }

  @Test func aBackupWhileOthersWriteIsOfOneMoment() throws {
    let writer = try Registry.open(Home(path: server.home))
    let backup = try server.start(["backup", file])
    for number in 10...60 { try FullRegistry.provision(number, writer) }
    #expect(backup.result().status == 0)
    let restored = BuiltServer(home: folder.path + "/second")
    _ = try succeed("restore", file, on: restored)
    let found = try names(restored)
    // Each device with its lease, and none that a later one stands before.
    #expect(Set(found).isSubset(of: try names()) && found.count >= 3)
    let later = found.compactMap { Int($0.dropFirst(4)) }.filter { $0 >= 10 }.sorted()
    #expect(later == Array((10...60).prefix(later.count)))
  }

  @Test func anotherMachineBecomesTheSameHostA() throws {
    _ = try succeed("backup", file)
    let second = BuiltServer(home: folder.path + "/second")
    let said = try succeed("restore", file, "--home", second.home)
    #expect(said.contains("restored in \(second.home)") && said.contains("fleet-server run"), "\(said)")
    #expect(try names(second) == ["box-1", "box-2", "box-3"])
    for name in ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "fleet-server.json"] {
      #expect(FileReading.line(of: second.home + "/" + name) == FileReading.line(of: server.home + "/" + name))
    }
    for name in ["ssh_host_ed25519_key", "registry.db", "authorized_keys", "fleet-server.json"] {
      #expect(mode(second.home + "/" + name) == 0o600, "\(name)")
    }
    #expect(try succeed("login-line", on: second) == succeed("login-line"))
    let lines = { (server: BuiltServer) in
      FileReading.line(of: server.home + "/authorized_keys")?.split(separator: "\n").dropFirst()
        .map { $0.replacing("--home \(server.home) ", with: "") }
    }
    #expect(lines(second) == lines(server))
    try provision(4, second)
  }

  @Test func anotherHostAIsNotOverwritten() throws {
    _ = try succeed("backup", file)
    let other = BuiltServer(home: folder.path + "/other")
    try other.initialise()
    let refused = try other.run(["restore", file])
    #expect(refused.status == 1 && refused.errors.contains("another HostA"), "\(refused)")
  }

  /// What the key file says counts: nobody in it is locked out, and nobody else let in.
  @Test func aRestoreFollowsTheKeyFile() throws {
    _ = try succeed("backup", file)
    let recovered = "recovered-\(try provision(4))"
    let leased = try #require(FileReading.line(of: server.home + "/authorized_keys")?.split(separator: "\n"))
    #expect(try server.request("remove box-2").status == 0)
    #expect(try server.request("rename box-1 renamed").status == 0)
    try "\(sampleKey(80)) bob\n".write(toFile: folder.path + "/bob.pub", atomically: true, encoding: .utf8)
    _ = try succeed("operator", "add", "bob", "--key", folder.path + "/bob.pub")
    _ = try succeed("operator", "remove", "alice")
    let lines = { FileReading.line(of: server.home + "/authorized_keys")?.split(separator: "\n").dropFirst() }
    let before = lines()

    let said = try succeed("restore", file)
    #expect(lines() == before)
    #expect(try names() == ["box-1", "box-3", recovered])
    for words in ["\(recovered) is new", "box-2, on port", "operator bob", "operator alice"] {
      #expect(said.contains(words), "\(words): \(said)")
    }
    #expect(try succeed("operator", "list").hasPrefix("bob  viewer"))
    let registry = try Registry.open(Home(path: server.home))
    let restored = try registry.log(LogBody(device: nil, since: nil, limit: 100), for: .everything)
      .entries.filter { $0.action == "restore" }
    #expect(restored.count == 5, "\(restored)")
    // The port of the one that was removed rests.
    try FullRegistry.provision(77, registry)
    let port = try #require(try registry.devices().first { $0.name.rawValue == "box-77" }?.port)
    #expect(!leased.contains { $0.contains(":\(port)\"") })
    // Once more changes nothing.
    try KeyFile(
      home: Home(path: server.home), settings: try HostSettings.read(Home(path: server.home)),
      account: try Account.current(), executable: BuiltServer.path
    ).update(from: registry)
    _ = try succeed("restore", file)
    #expect(try Set(names()) == ["box-1", "box-3", recovered, "recovered-\(port)"])
  }

  @Test func aRegistryThatIsGoneOrDamagedComesBack() throws {
    _ = try succeed("backup", file)
    let recovered = "recovered-\(try provision(4))"
    let home = Home(path: server.home)
    let damages: [(String) -> Void] = [
      { unlink($0) }, { truncate($0, 0) }, { truncate($0, 5000) },
      { path in
        let descriptor = open(path, O_RDWR)
        var noise = [UInt8](repeating: 0x5A, count: 9000)
        pwrite(descriptor, &noise, noise.count, 2000)
        close(descriptor)
      },
    ]
    for damage in damages {
      damage(home.registry)
      #expect(try server.run(["operator", "list"]).status != 0)
      _ = try succeed("restore", file)
      #expect(try names() == ["box-1", "box-2", "box-3", recovered])
      #expect(KeyFile.deviceCount(home: home) == 4)
    }
  }

  @Test func aKilledBackupLeavesNoHalfFile() throws {
    try kill(["backup", file]) { round in
      if FileManager.default.fileExists(atPath: file) {
        #expect(code(file) == nil, "round \(round)")
        unlink(file)
      }
    }
    _ = try succeed("backup", file)
    #expect(!FileManager.default.fileExists(atPath: file + ".new"))
  }

  @Test func aKilledRestoreIsDoneByTheNext() throws {
    _ = try succeed("backup", file)
    let recovered = "recovered-\(try provision(4))"
    let home = Home(path: server.home)
    try kill(["restore", file]) { round in
      // Nobody is out at any moment, whatever the registry is.
      #expect(KeyFile.deviceCount(home: home) == 4, "round \(round)")
      if let found = try? names() { #expect(found.count == 4, "round \(round): \(found)") }
      if round % 5 == 4 { _ = try succeed("restore", file) }
    }
    _ = try succeed("restore", file)
    #expect(try names() == ["box-1", "box-2", "box-3", recovered])
  }
}
