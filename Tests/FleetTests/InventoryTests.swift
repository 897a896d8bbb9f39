import FleetProtocol
import Testing

@testable import fleet

/// What Ansible is told.
@Suite struct InventoryTests {
  let way = AnsibleInventory.Way(program: "/home/o'hara/my 100%/fleet", host: Sample.host)

  @Test func groupsAreStatesAndTags() {
    let groups = AnsibleGroups([
      Sample.device("b", tags: ["site": "berlin", "old": ""]),
      Sample.device("a", state: .offline, tags: ["site": "paris"]),
      Sample.device("c"),
    ])
    #expect(
      groups.members.mapValues { $0.map(\.rawValue) } == [
        "state_online": ["b", "c"], "state_offline": ["a"], "tag_site": ["a", "b"], "tag_site_berlin": ["b"],
        "tag_site_paris": ["a"], "tag_old": ["b"], "untagged": ["c"], "ungrouped": ["c"],
      ])
    #expect(groups.renamed.isEmpty)
  }

  @Test func aGroupsNameIsOneThatAnsibleTakes() {
    #expect(AnsibleGroups.plainName("site=Köln 2.OG") == "tag_site_K_ln_2_OG")
    #expect(AnsibleGroups.plainName("7.x") == "tag_7_x")
  }

  @Test func twoTagsNeverMeetInOneGroup() {
    let groups = AnsibleGroups([
      Sample.device("a", tags: ["site": "a.b"]), Sample.device("b", tags: ["site": "a_b"]),
      Sample.device("c", tags: ["site_a": "b"]),
    ])
    #expect(groups.members["tag_site_a_b"] == nil)
    let own = groups.members.filter { $0.key.hasPrefix("tag_site_a_b_") }
    #expect(own.count == 3 && own.values.allSatisfy { $0.count == 1 })
    #expect(groups.renamed == ["tag_site_a_b": ["site=a.b", "site=a_b", "site_a=b"]])
  }

  @Test func theWayIsOneLineOfWordsForAShell() throws {
    let variables = AnsibleInventory.variables(Sample.device(tags: ["site": "berlin"]), way: way)
    #expect(try variables.string("ansible_host") == "kitchen-pi")
    #expect(try variables.string("ansible_user") == "pi")
    let line = try variables.string("ansible_ssh_common_args")
    let proxy = #"'/home/o'\''hara/my 100%%/fleet' proxy kitchen-pi.hosta.example.fleet"#
    let keys = #""/home/o'hara/my 100%%/fleet" known-hosts kitchen-pi.hosta.example.fleet %I %t %K %H"#
    for option in ["ProxyCommand=\(proxy)", "KnownHostsCommand=\(keys)", "StrictHostKeyChecking=yes"] {
      #expect(line.contains("-o " + ShellWord.quoted(option)), "\(line)")
    }
  }

  @Test func whatLooksLikeATemplateIsText() throws {
    let variables = AnsibleInventory.variables(
      Sample.device(tags: ["plain": "x", "trap": "{{ lookup('pipe', 'id') }}"], facts: ["os": "{{ 1 }}"]), way: way)
    let tags = try variables.object("fleet_tags")
    #expect(try tags.string("plain") == "x")
    #expect(try tags.object("trap").string("__ansible_unsafe") == "{{ lookup('pipe', 'id') }}")
    #expect(!JSON.object(variables).text.contains("{{ 1 }}"))
  }

  @Test func theListHasTheVariablesOfEveryDevice() throws {
    let devices = [Sample.device("b"), Sample.device("a", tags: ["site": "berlin"])]
    let text = AnsibleInventory.list(devices, groups: AnsibleGroups(devices), way: way)
    guard case .object(let list) = try JSON(parsing: text) else { throw JSONError("no object") }
    #expect(try list.object("_meta").object("hostvars").members.map(\.name) == ["a", "b"])
    #expect(
      try list.object("all").strings("children", count: 10, limit: 100)
        == ["ungrouped", "state_online", "tag_site", "tag_site_berlin", "untagged"])
    #expect(try list.object("tag_site").strings("hosts", count: 10, limit: 100) == ["a"])
  }
}
