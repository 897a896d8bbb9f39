import Foundation
import Testing

/// Who is online, who is waited for, and who did what, with the real programs.
@Suite(.serialized) struct ListTests {
  @Test func aDayOfAnOperator() throws {
    try Lab.with { lab in
      let (server, configuration) = try lab.prepareKitchenPi()
      let attic = try lab.boxKey("attic")
      try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(attic.key))
      // A box that means harm, to whoever reads what it says of itself.
      let facts = #""facts":{"os":"a\u001b[2Jb"}"#
      let claim = #"{"v":1,"agent_version":"0.1.0","boot_id":"by-hand","keepalive_s":10,\#(facts)}"#
      #expect(try attic.holder.ask("claim", body: claim).isOK)
      try lab.fleetSucceeds("tag", "kitchen-pi", "site=berlin")

      // Whoever waits is told when the device comes.
      let waiting = try lab.start(lab.laptop, ["fleet", "wait", "kitchen-pi", "--timeout", "2m"])
      #expect(try lab.fleet("wait", "kitchen-pi", "nobody").status == 3)
      let late = try lab.fleet("wait", "attic-pi", "--timeout", "1s")
      #expect(late.status == 4 && late.error.contains("attic-pi is not online after 1 s"), "\(late)")
      #expect(waiting.wait(0) == nil)
      let agent = try lab.startAgent("kitchen-pi", configuration: configuration)
      #expect(waiting.wait(60) == 0 && waiting.error == "kitchen-pi is online\n", "\(waiting.error)")

      try selectors(lab)
      try log(lab)
      try watch(lab, agent)

      // HostA goes; what it told last stays.
      try lab.fleetSucceeds("list")
      server.stop()
      let table = try lab.fleet("list", "kitchen-*", "state=offline")
      #expect(table.status == 6 && table.output.contains("kitchen-pi  was offline"), "\(table)")
      #expect(table.error.contains("as of") && table.error.contains("does not answer"), "\(table)")
      let json = try lab.fleet("list", "--all", "--json")
      let object = try Lab.object(json.output)
      #expect(json.status == 6 && object["as_of"] is String && (object["devices"] as? [Any])?.count == 2)
    }
  }

  private func selectors(_ lab: Lab) throws {
    func names(_ words: String...) throws -> String {
      try lab.succeed(lab.laptop, ["fleet", "list", "--format", "{name}"] + words)
        .split(separator: "\n").joined(separator: " ")
    }
    #expect(try names() == "kitchen-pi")
    #expect(try names("kitchen-*", "tag=site:berlin", "!tag=old") == "kitchen-pi")
    #expect(try names("state=offline") == "attic-pi")
    #expect(try names("attic-pi", "--sort", "-name") == "attic-pi")
    #expect(try names("*-pi", "--all", "--sort", "-name") == "kitchen-pi attic-pi")
    #expect(try names("tag=site:rome") == "")
    #expect(try lab.fleetSucceeds("list", "attic-pi", "--format", "{fact:os}") == "a\\u{1b}[2Jb\n")
    let missing = try lab.fleet("list", "kitchenpi")
    #expect(missing.status == 3 && missing.error.contains("kitchen-pi"), "\(missing)")
  }

  private func log(_ lab: Lab) throws {
    try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works")
    try eventually("the connection's end is in the log", within: 60) {
      let entries = try Lab.object(lab.fleetSucceeds("log", "kitchen-pi", "--since", "1h", "--json"))["entries"]
      return (entries as? [[String: Any]])?.contains {
        $0["action"] as? String == "connect" && $0["actor"] as? String == "anna" && $0["duration_s"] is Int
          && $0["remote_address"] as? String == "127.0.0.1"
      } == true
    }
    let table = try lab.fleetSucceeds("log")
    #expect(table.hasPrefix("TIME ") && table.contains("  connect") && table.contains("  provision"), "\(table)")
    #expect(try lab.fleetSucceeds("log", "--limit", "1").split(separator: "\n").count == 2)
  }

  private func watch(_ lab: Lab, _ agent: Running) throws {
    let watching = try lab.start(lab.laptop, ["fleet", "list", "--watch", "1"])
    try eventually("the watch has begun", within: 60) { watching.output.contains("kitchen-pi  online") }
    agent.stop()
    try eventually("the watch tells\n\(watching.output)", within: 60) {
      watching.output.contains("kitchen-pi  offline (was online)")
    }
    watching.stop()
  }
}
