import Foundation
import GRDB
import Testing

/// HostA wakes up fifty years ahead, and later its clock is set right.
@Suite(.serialized) struct HostClockTests {
  private static let fiftyYears_s = 50 * 31_557_600

  @Test func aClockFiftyYearsAheadKeepsNoDeviceOutAndLeavesNothing() throws {
    try Lab.with { lab in
      let (server, _, configuration) = try lab.startKitchenPi()
      // A device that nobody has seen yet and that would be over in a month, and one that is removed meanwhile.
      let (later, laterKey) = try lab.boxKey("later")
      try lab.anna.succeed("provision later-pi", body: lab.provisionBody(laterKey, more: #","expires_s":2592000"#))
      try lab.anna.succeed("provision gone-pi", body: lab.provisionBody(try lab.boxKey("gone").key))
      #expect(server.stop() == 0)

      let clock = try lab.write("\(Self.fiftyYears_s)", to: "clock", of: lab.hostA)
      let library = try lab.wallClock(of: lab.hostA, offset: clock)
      try lab.putHostAUnder(library)
      let ahead = try lab.start(lab.hostA, ["env", "LD_PRELOAD=\(library)", "fleet-server", "run"])
      try lab.isBack("kitchen-pi", after: nil)
      let host = try #require(
        try Lab.object(lab.fleetSucceeds("list", "--all", "--json"))["devices"] as? [[String: Any]])
      let seen = try #require(host.first { $0["name"] as? String == "kitchen-pi" }?["last_seen"] as? String)
      #expect(seen.prefix(4) > "2070", "HostA's clock is ahead: \(seen)")
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.changesWork()
      let gonePort = try lab.anna.succeed("remove gone-pi").fields["port"] as? Int
      try eventually("the watch has recorded when it came") {
        try lab.lastSeen("kitchen-pi").map { $0 > Int64(Self.fiftyYears_s) + 1_500_000_000 } == true
      }
      #expect(try lab.device("later-pi") != nil, "nothing that waits for its first contact is over")

      try lab.setClock(0, in: clock, of: lab.hostA)
      try eventually("the watch has mended what was recorded\n\(ahead.error)", within: 60) {
        try lab.lastSeen("kitchen-pi").map { $0 < Int64(Date().timeIntervalSince1970) + 60 } == true
      }
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.changesWork()
      let shown = try #require(try lab.device("kitchen-pi")?["last_seen"] as? String)
      #expect(shown.prefix(4) < "2070", "\(shown)")
      #expect(try later.claim().isOK, "the device that waited comes")
      #expect(try lab.fleetSucceeds("show", "kitchen-pi").contains("kitchen-pi"))
      // The port of the device that was removed is held for a day and not for fifty years.
      let until = try lab.registryRows("SELECT until_s FROM quarantine WHERE port = \(gonePort ?? 0)").map {
        $0["until_s"] as Int64
      }
      #expect(until.count == 1 && until[0] < Int64(Date().timeIntervalSince1970) + 90_000, "\(until)")
      #expect(ahead.wait(0) == nil)
    }
  }
}

extension Lab {
  /// The next `run` starts an sshd whose clock, and that of all that it starts, is the library's.
  fileprivate func putHostAUnder(_ library: String) throws {
    let sshd = try write(
      """
      #!/bin/sh
      LD_PRELOAD=\(library)
      export LD_PRELOAD
      exec /usr/sbin/sshd -o "SetEnv=FLEET_SERVER_HOME=\(serverHome.path) LD_PRELOAD=\(library)" "$@"

      """, to: "sshd-ahead", of: hostA, mode: 0o700)
    let file = serverHome.appending(path: "fleet-server.json")
    var settings = try Self.object(try succeed(hostA, ["cat", file.path]))
    settings["sshd"] = sshd.path
    let text = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
    try write(text + "\n", to: ".local/state/fleet-server/fleet-server.json", of: hostA)
  }

  fileprivate func lastSeen(_ name: String) throws -> Int64? {
    try registryRows("SELECT last_seen_s FROM devices WHERE name = '\(name)'").first?["last_seen_s"]
  }
}
