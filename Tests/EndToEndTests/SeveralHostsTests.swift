import Foundation
import Testing

/// One laptop that knows two HostAs, each with a device of the same name.
@Suite(.serialized) struct SeveralHostsTests {
  @Test func theSameNameOnTwoHostAsMeansTwoBoxes() throws {
    try Lab.with { home in
      try home.startKitchenPi()
      try Lab.with { office in
        try office.startKitchenPi()
        try home.logIn(to: office)
        try home.expectTwoBoxes(office)
        try home.expectNames(office)
      }
    }
  }
}

extension Lab {
  /// The laptop of this lab has the operator's key of the other one, too.
  fileprivate func logIn(to office: Lab) throws {
    let key = try String(contentsOf: office.operatorKey, encoding: .utf8)
    let identity = try write(key, to: "office_key", of: laptop)
    let line = try office.succeed(office.hostA, ["fleet-server", "login-line"])
    let fingerprint = try #require(line.split { $0.isWhitespace }.first { $0.hasPrefix("SHA256:") }.map(String.init))
    let login = try fleet(
      "login", "--name", "office", "\(office.hostA.name)@\(office.hostAddress):\(office.ports.hostA)", "--host-key",
      fingerprint, "--identity", identity.path)
    #expect(login.status == 0 && login.error.contains("next: fleet provision"), "\(login)")
  }

  /// Which of the two boxes a command reached, by the home of its account there.
  private func box(reachedBy arguments: [String], environment: [String: String] = [:]) throws -> String {
    let outcome = try run(
      laptop, arguments + ["-i", "office_key", "-i", operatorKey.path, "kitchen-pi", "echo $HOME"],
      environment: environment)
    guard outcome.status == 0 else { throw CommandFailed(arguments: arguments, outcome: outcome) }
    return outcome.output.trimmingCharacters(in: .newlines)
  }

  fileprivate func expectTwoBoxes(_ office: Lab) throws {
    let (here, there) = (box.home.path, office.box.home.path)
    #expect(try box(reachedBy: ["fleet", "ssh"]) == there, "the latest login is the default")
    #expect(try box(reachedBy: ["fleet", "--host", "127.0.0.1", "ssh"]) == here)
    #expect(try fleet("hosts", "default", "127.0.0.1").status == 0)
    #expect(try box(reachedBy: ["fleet", "ssh"]) == here)
    #expect(try box(reachedBy: ["fleet", "--host=office", "ssh"]) == there)
    #expect(try box(reachedBy: ["fleet", "ssh"], environment: ["FLEET_HOST": "office"]) == there)
    #expect(
      try box(reachedBy: ["fleet", "--host", "127.0.0.1", "ssh"], environment: ["FLEET_HOST": "office"]) == here)
    // What the option says holds for a fleet that ssh starts, too.
    let pins = laptop.home.appending(path: ".local/state/fleet/devices/office/kitchen-pi").path
    let proxied = [
      "ssh", "-F", "/dev/null", "-o", "ProxyCommand=fleet --host office proxy %n", "-o", "StrictHostKeyChecking=yes",
      "-o", "UserKnownHostsFile=\(pins)", "-l", office.box.name,
    ]
    #expect(try box(reachedBy: proxied) == there)
    let listed = try succeed(laptop, ["fleet", "--host", "office", "show", "kitchen-pi"])
    #expect(listed.contains("\(office.ports.leases.lowerBound)"), "\(listed)")
  }

  fileprivate func expectNames(_ office: Lab) throws {
    let unknown = try fleet("--host", "nowhere", "list")
    #expect(unknown.status == 1 && unknown.error.contains("it knows 127.0.0.1, office"), "\(unknown)")
    let misplaced = try fleet("--host", "office", "login", "a@b")
    #expect(misplaced.status == 2, "\(misplaced)")
    let table = try fleetSucceeds("hosts")
    #expect(table.contains("127.0.0.1  yes") && table.contains("office     -"), "\(table)")
    #expect(table.contains("anna") && table.contains("\(office.hostA.name)@127.0.0.1:\(office.ports.hostA)"))

    let state = laptop.home.appending(path: ".local/state/fleet")
    func files(_ name: String) throws -> String {
      try succeed(laptop, ["sh", "-c", "ls -d \"$1\"/*/\"$2\" 2>/dev/null || true", "sh", state.path, name])
    }
    #expect(try fleet("hosts", "rename", "office", "work").status == 0)
    #expect(try files("office").isEmpty && files("work").contains("devices/work"))
    #expect(try box(reachedBy: ["fleet", "--host", "work", "ssh"]) == office.box.home.path)
    #expect(try fleet("hosts", "forget", "work").status == 0)
    #expect(try files("work").isEmpty)
    #expect(try !succeed(laptop, ["cat", state.appending(path: "known_hosts").path]).contains("fleet-host-work"))
    #expect(try fleet("--host", "work", "list").status == 1)
    #expect(try box(reachedBy: ["fleet", "ssh"]) == box.home.path)
  }
}
