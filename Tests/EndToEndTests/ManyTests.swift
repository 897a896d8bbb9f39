import Foundation
import Testing

/// `fleet provision --from FILE --bundle-dir FOLDER` against a HostA with a real sshd.
@Suite(.serialized) struct ManyTests {
  private static func rows(_ count: Int) -> String {
    "name,user,tags\r\n" + (1...count).map { "kiosk-\($0),pi,site=berlin;row=\($0)\r\n" }.joined()
  }

  private func bundles(_ lab: Lab) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: lab.laptop.home.appending(path: "bundles").path)
    return (names ?? []).filter { $0.hasSuffix(".tar.gz") }.sorted()
  }

  private func results(_ lab: Lab) throws -> [[String]] {
    let file = lab.laptop.home.appending(path: "bundles/result.csv")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\r\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private func devices(_ lab: Lab) throws -> [[String: Any]] {
    try Lab.object(try lab.fleetSucceeds("list", "--all", "--json"))["devices"] as? [[String: Any]] ?? []
  }

  @Test func everyRowGetsABundleThatWorks() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let box = "kiosk-3,\(lab.box.name),\"site=berlin;note=second floor, left\"\r\n"
      try lab.write(
        "\u{FEFF}" + Self.rows(40).replacing("kiosk-3,pi,site=berlin;row=3\r\n", with: box), to: "devices.csv",
        of: lab.laptop)
      let command = ["--from", "devices.csv", "--bundle-dir", "bundles", "--sshd-port", "\(lab.ports.box(0))"]
      let first = try lab.run(lab.laptop, ["fleet", "provision"] + command, within: 120)
      #expect(first.status == 0 && first.error.contains("40 rows: 40 made"), "\(first)")
      #expect(bundles(lab).count == 40)
      let devices = try devices(lab)
      #expect(devices.count == 40 && Set(devices.compactMap { $0["port"] as? Int }).count == 40)
      let third = try #require(try lab.device("kiosk-3"))
      #expect(third["tags"] as? [String: String] == ["site": "berlin", "note": "second floor, left"])
      #expect(third["user"] as? String == lab.box.name)
      #expect(try results(lab)[3] == ["4", "kiosk-3", "done", "\(third["port"] as? Int ?? 0)", "kiosk-3.tar.gz", ""])

      // No private key stays behind outside the bundles, and those are for this account only.
      #expect(try lab.succeed(lab.laptop, ["sh", "-c", "ls -A bundles | grep -vc 'tar.gz$'"]) == "1\n")
      #expect(try lab.succeed(lab.laptop, ["sh", "-c", "find bundles -name '*.gz' -perm /077 | wc -l"]) == "0\n")

      // Again: nothing is made, and the result file says so.
      let again = try lab.run(lab.laptop, ["fleet", "provision"] + command, within: 120)
      #expect(again.status == 0 && again.error.contains("40 rows: 40 done already"), "\(again)")
      #expect(try results(lab)[3].last == "done already")

      try lab.carry("bundles/kiosk-3.tar.gz", to: "kiosk-3.tar.gz")
      try lab.succeed(lab.box, ["tar", "-xf", "kiosk-3.tar.gz"])
      let configuration = lab.box.home.appending(path: "fleet-agent-kiosk-3/agent.json")
      try lab.startAgent("kiosk-3", configuration: configuration)
      #expect(try lab.fleetSucceeds("ssh", "kiosk-3", "id -un") == lab.box.name + "\n")
    }
  }

  /// What is wrong with the file is found before anything is done.
  @Test(
    arguments: [
      (rows(300).replacing("kiosk-299,", with: "Kiosk 299,"), "row 300: 'Kiosk 299' is not a device name"),
      (rows(3) + "kiosk-2,pi,\r\n", "row 5: kiosk-2 stands in row 3 already"), ("", "no rows"),
      ("user,tags\npi,\n", "'name' is missing"), ("kiosk-1,pi,site\n", "row 1: 'site' is not a tag"),
    ])
  func aBadFileDoesNothing(_ text: String, _ message: String) throws {
    try Lab.with { lab in
      try lab.write(text, to: "devices.csv", of: lab.laptop)
      let outcome = try lab.fleet("provision", "--from", "devices.csv", "--bundle-dir", "bundles")
      #expect(outcome.status == 2 && outcome.error.contains(message), "\(outcome)")
      #expect(outcome.error.split(separator: "\n").count <= 2, "\(outcome)")
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: "bundles").path))
    }
  }

  @Test func optionsThatDoNotGoTogetherAreUsage() throws {
    try Lab.with { lab in
      for arguments in [
        ["--from", "devices.csv"], ["--bundle-dir", "bundles"], ["x", "--from", "devices.csv", "--bundle-dir", "b"],
        ["--from", "no-such-file.csv", "--bundle-dir", "b"], ["x", "--to", "box", "--expires", "1d"],
        ["x", "--bundle", "b.tar", "--image", "b"], ["x", "--bundle", "b.tar", "--expires", "soon"],
        ["x", "--image", "b", "--shell"],
      ] {
        let outcome = try lab.run(lab.laptop, ["fleet", "provision"] + arguments)
        #expect([1, 2].contains(outcome.status), "\(arguments): \(outcome)")
      }
    }
  }

  /// A row that HostA refuses leaves nothing; the others are finished.
  @Test func aRowThatIsRefusedIsTold() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      _ = try lab.provisionBundle("kiosk-2")
      try lab.write(Self.rows(3), to: "devices.csv", of: lab.laptop)
      let outcome = try lab.fleet("provision", "--from", "devices.csv", "--bundle-dir", "bundles")
      #expect(outcome.status == 1 && outcome.error.contains("3 rows: 2 made, 1 refused"), "\(outcome)")
      #expect(bundles(lab) == ["kiosk-1.tar.gz", "kiosk-3.tar.gz"])
      #expect(try results(lab)[2][2] == "refused")
    }
  }

  /// Killed at many moments without a warning, the command ends well when it is run again: each name once, each bundle with
  /// the key that holds its lease.
  @Test func killedInTheMiddleItIsResumed() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.write(Self.rows(60), to: "devices.csv", of: lab.laptop)
      let command = ["fleet", "provision", "--from", "devices.csv", "--bundle-dir", "bundles"]
      for wanted in [0, 1, 20] {
        let run = try lab.start(lab.laptop, command)
        try eventually("keys are being made, or bundles written", within: 60) {
          let begun = FileManager.default.fileExists(
            atPath: lab.laptop.home.appending(path: "bundles/.unfinished").path)
          return begun && bundles(lab).count >= wanted || run.wait(0) != nil
        }
        run.stop(SIGKILL)
      }
      let last = try lab.run(lab.laptop, command, within: 120)
      #expect(last.status == 0, "\(last)")
      #expect(bundles(lab).count == 60)
      #expect(try devices(lab).count == 60)
      #expect(try results(lab).dropFirst().allSatisfy { $0[2] == "done" })
      // HostA's key file holds exactly the keys that are in the bundles.
      let keys = try lab.succeed(
        lab.laptop,
        [
          "sh", "-c",
          "for f in bundles/*.tar.gz; do tar -xzOf $f --wildcards '*/id_ed25519' >k; chmod 600 k; ssh-keygen -yf k; done; rm -f k",
        ])
      let held = try lab.succeed(lab.hostA, ["sh", "-c", "cat ~/.local/state/fleet-server/*keys*"])
      for key in keys.split(separator: "\n") { #expect(held.contains(key.split(separator: " ")[1])) }
      #expect(Set(keys.split(separator: "\n")).count == 60)
    }
  }

  /// Ctrl-C waits for the rows that were begun: what has a bundle has a lease and the other way round.
  @Test func interruptedEveryRowIsFinishedOrUntouched() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.write(Self.rows(80), to: "devices.csv", of: lab.laptop)
      let run = try lab.start(
        lab.laptop, ["fleet", "provision", "--from", "devices.csv", "--bundle-dir", "bundles"])
      try eventually("a bundle is there", within: 60) { bundles(lab).count >= 1 || run.wait(0) != nil }
      run.stop(SIGINT, within: 60)
      let names = Set(bundles(lab).map { $0.replacing(".tar.gz", with: "") })
      #expect(Set(try devices(lab).compactMap { $0["name"] as? String }) == names, "\(run.error)")
    }
  }
}
