import Foundation
import Testing

/// Other people's programs with ours: Ansible, Prometheus' promtool, and the shells' completion.
@Suite(.serialized) struct EcosystemTests {
  /// `make test` brings these; who runs the tests otherwise is told what is missing, and skips.
  static let isEquipped =
    ProcessInfo.processInfo.environment["FLEET_PROGRAMS"] != nil
    || ["ansible", "zsh", "fish", "strace", "mandoc"].allSatisfy { Tool.path($0) != nil } && Tool.promtool != nil

  @Test(.enabled(if: isEquipped, "make test-bootstrap installs what this needs"))
  func ansiblePrometheusAndTheShellsKnowTheDevices() throws {
    try Lab.with { lab in
      let (server, _, _) = try lab.startKitchenPi()
      try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(try lab.boxKey("attic").key))
      try lab.fleetSucceeds("tag", "kitchen-pi", "site=berlin", "greeting={{ 6 * 7 }}")
      try inventory(lab)
      try ansible(lab)
      try metrics(lab)
      try lab.fleetSucceeds("list")
      server.stop()
      try metricsWithoutHostA(lab)
      try completion(lab)
    }
  }

  // MARK: Ansible

  private func inventory(_ lab: Lab) throws {
    let graph = try lab.succeed(
      lab.laptop, ["ansible-inventory", "-i", Programs.path("fleet-inventory"), "--graph"], environment: Self.ansible)
    for line in ["@state_online:", "@state_offline:", "@tag_site_berlin:", "@tag_site:", "@untagged:"] {
      #expect(graph.contains(line), "\(graph)")
    }
    let text = try lab.succeed(
      lab.laptop, ["ansible-inventory", "-i", Programs.path("fleet-inventory"), "--list"], environment: Self.ansible)
    let meta = try #require(try Lab.object(text)["_meta"] as? [String: Any])
    let variables = try #require(meta["hostvars"] as? [String: [String: Any]])
    #expect(Set(variables.keys) == ["attic-pi", "kitchen-pi"])
    #expect(variables["kitchen-pi"]?["ansible_user"] as? String == lab.box.name)
    let one = try Lab.object(try lab.fleetSucceeds("inventory", "--host", "kitchen-pi"))
    #expect(one["ansible_host"] as? String == "kitchen-pi")
    #expect(try lab.fleet("inventory", "--host", "nobody").status == 3)
    #expect(try lab.fleet("inventory").status == 2)
  }

  /// `ping` runs Python on the box, through HostA, without anything in ~/.ssh/config.
  private func ansible(_ lab: Lab) throws {
    let pinged = try lab.run(
      lab.laptop,
      ["ansible", "-i", Programs.path("fleet-inventory"), "tag_site_berlin", "-m", "ping"],
      environment: Self.ansible, within: 120)
    #expect(pinged.status == 0 && pinged.output.contains("\"pong\""), "\(pinged)")
    // A tag that looks like a template is text.
    let shown = try lab.run(
      lab.laptop,
      [
        "ansible", "-i", Programs.path("fleet-inventory"), "kitchen-pi", "-m", "debug", "-a", "var=fleet_tags.greeting",
      ],
      environment: Self.ansible, within: 120)
    #expect(shown.output.contains("{{ 6 * 7 }}") && !shown.output.contains("42"), "\(shown)")
    // A person who told Ansible to trust everybody still trusts no box with another host key.
    let careless = try lab.run(
      lab.laptop,
      [
        "ansible", "-vvvv", "-i", Programs.path("fleet-inventory"), "kitchen-pi", "-m", "raw", "-a", "true",
      ], environment: Self.ansible.merging(["ANSIBLE_HOST_KEY_CHECKING": "False"]) { $1 }, within: 120)
    #expect(careless.status == 0, "\(careless)")
    #expect(careless.output.contains("StrictHostKeyChecking=yes"), "\(careless)")
    #expect(!careless.output.contains("StrictHostKeyChecking=no"), "\(careless)")
  }

  /// The connection that Ansible keeps for later would outlive the lab, whose sshd, not being root, has no terminals.
  private static let ansible = [
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none", "ANSIBLE_SSH_USETTY": "False",
  ]

  // MARK: Prometheus

  private func metrics(_ lab: Lab) throws {
    let text = try lab.fleetSucceeds("metrics")
    for line in [
      "fleet_device_up{host=\"127.0.0.1\",device=\"kitchen-pi\"} 1", "fleet_host_up{host=\"127.0.0.1\"} 1",
      "fleet_device_up{host=\"127.0.0.1\",device=\"attic-pi\"} 0",
      "fleet_device_tag_info{host=\"127.0.0.1\",device=\"kitchen-pi\",tag=\"site\",value=\"berlin\"} 1",
    ] {
      #expect(text.contains(line + "\n"), "\(line) in\n\(text)")
    }
    try promtoolAccepts(text)
    let some = try lab.fleetSucceeds("metrics", "state=offline", "--output", "metrics/fleet.prom")
    #expect(some.isEmpty)
    let files = try lab.succeed(lab.laptop, ["sh", "-c", "ls metrics && cat metrics/fleet.prom"])
    #expect(files.hasPrefix("fleet.prom\n") && files.contains("attic-pi") && !files.contains("kitchen-pi"), "\(files)")
  }

  private func metricsWithoutHostA(_ lab: Lab) throws {
    let away = try lab.fleet("metrics", "--output", "metrics/fleet.prom")
    #expect(away.status == 6 && away.error.contains("does not answer"), "\(away)")
    let text = try lab.succeed(lab.laptop, ["cat", "metrics/fleet.prom"])
    #expect(text.contains("fleet_host_up{host=\"127.0.0.1\"} 0\n") && !text.contains("fleet_device"), "\(text)")
    try promtoolAccepts(text)
  }

  private func promtoolAccepts(_ text: String) throws {
    let file = Scratch.folder.appending(path: "\(UUID().uuidString).prom")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(text.utf8).write(to: file)
    let outcome = try Tool.run([try #require(Tool.promtool), "check", "metrics"], input: file.path)
    #expect(outcome.status == 0 && outcome.error.isEmpty && outcome.output.isEmpty, "\(outcome)")
  }

  // MARK: The shells

  /// HostA is away, and nobody is asked: no shell's completion opens a socket.
  private func completion(_ lab: Lab) throws {
    let names = try lab.fleetSucceeds("complete", "ssh", "kit")
    #expect(names == "kitchen-pi\n")
    let trace = lab.laptop.home.appending(path: "trace")
    try lab.succeed(
      lab.laptop, ["strace", "-f", "-o", trace.path, "-e", "trace=%network", "fleet", "complete", "list", "tag="])
    let calls = try lab.succeed(lab.laptop, ["cat", trace.path])
    #expect(calls.contains("exited with 0") && !calls.contains("socket("), "\(calls)")

    let completions = lab.laptop.home.appending(path: "completions")
    for file in try FileManager.default.contentsOfDirectory(atPath: Checkout.folder.appending(path: "completions").path)
    {
      let text = try String(contentsOf: Checkout.folder.appending(path: "completions/\(file)"), encoding: .utf8)
      try lab.write(text, to: "completions/\(file)", of: lab.laptop)
    }
    let bash = try lab.bash(
      completions,
      [
        ["fleet", "ssh", "kit"], ["fleet", "ssh", "-p", "22", "pi", "@", "at"], ["fleet", "list", "tag", "=", "si"],
        ["fleet", "list", "'tag=site:"], ["fleet", "provi"], ["fleet", "provision", "x", "--bundle", "trac"],
        ["fleet", "approve", ""], ["fleet-agent", "host"],
      ])
    #expect(
      bash == [
        "kitchen-pi", "attic-pi", "site site:berlin", "tag=site:berlin", "provision", "trace", "", "host-keys",
      ], "\(bash)")

    let fish = try lab.succeed(
      lab.laptop,
      [
        "fish", "--no-config", "-c",
        """
        for file in $argv; source $file; end
        for line in 'fleet ssh kit' 'fleet ssh pi@at' 'fleet list tag=site:' 'fleet-agent stat'
          complete -C $line | string replace \\t ' # '
        end
        """,
        completions.appending(path: "fleet.fish").path, completions.appending(path: "fleet-agent.fish").path,
      ])
    #expect(
      fish.split(separator: "\n") == [
        "kitchen-pi", "pi@attic-pi", "tag=site:berlin # 1 device", "status # How the running agent is",
      ], "\(fish)")

    for (line, end) in [
      ("fleet ssh kit", "fleet ssh kitchen-pi"), ("fleet list tag=site:", "fleet list tag=site:berlin"),
      ("fleet inventory --li", "fleet inventory --list"), ("fleet-agent keyg", "fleet-agent keygen"),
    ] {
      // zsh takes the space that it added back, where more than the end of a word follows.
      let drawn = try lab.zsh(completions, line)
      #expect(drawn.contains("[\(end)]"), "\(drawn)")
    }
  }
}
