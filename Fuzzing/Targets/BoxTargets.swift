import FleetProtocol

@testable import fleet

/// What a person's files, a box on the bench and a mounted card say while devices are provisioned.
let boxTargets = [
  FuzzTarget(
    "device-list",
    seeds: [
      "name,user,tags\r\nkitchen-pi,pi,site=berlin;room=kitchen\r\n\"attic-pi\",,\"a=x,y\"\r\n",
      "\u{FEFF}a,b\n\n\"c\"\"d\",e\n",
      "a;b\n", "name\nkitchen-pi\nkitchen-pi\n", "x,\"\"\u{301},y\n",
    ]
  ) { bytes in
    if let rows = try? CSV.rows(in: bytes) {
      // A row of one empty field is a blank one, which is passed over.
      let kept = rows.map(\.fields).filter { $0 != [""] }
      let written = "first,row\r\n" + kept.map { CSV.line($0) }.joined()
      let again = try? CSV.rows(in: Array(written.utf8))
      try require(
        again?.dropFirst().map { $0.fields.map { Array($0.utf8) } } == kept.map { $0.map { Array($0.utf8) } },
        "a table is another again: \(written)")
    }
    guard let list = try? DeviceList(parsing: bytes) else { return }
    for row in list.rows {
      let words = [row.name.rawValue] + (row.user.map { [$0.rawValue] } ?? []) + row.tags.keys.map { "x\($0)" }
      try require(words.allSatisfy(PlainText.isWord), "a row names what is no name")
      try require(row.tags.values.allSatisfy(PlainText.isVisible), "a tag holds what is not seen")
    }
    try require(Set(list.rows.map(\.name)).count == list.rows.count, "a name stands twice")
  },
  FuzzTarget(
    "probe",
    seeds: [
      """
      Welcome!
      fleet-probe=1
      system=Linux
      machine=aarch64
      user=pi
      services=systemd
      free_kb=1000000
      sshd_port=22
      stage=/home/pi/.cache/fleet
      binary=/usr/local/bin/fleet-agent
      folder=/etc/fleet-agent
      staged=123 456
      installed=
      device=kitchen-pi
      initialised=yes
      """,
      "fleet-probe=1\nsystem=Linux\nuser=pi\nsshd_port=22\nstage=/a'\u{301};id;'\nbinary=/b\nfolder=/c \"$(id)\"\nfree_kb=99999999999",
      "fleet-probe=1\nsystem=\u{1B}[2JDarwin",
    ]
  ) { bytes in
    let said = text(bytes)
    if let facts = try? HostSetupFacts(parsing: said) {
      try require(
        PlainText.isVisible(facts.machine + facts.services + facts.stage), "HostA's facts are not safe to show")
    }
    guard let device = try? DeviceName(validating: "kitchen-pi") else { return }
    do {
      let facts = try BoxFacts(parsing: said)
      try require(PlainText.isVisible(facts.summary(for: device)), "a box's facts are not safe to show")
      for path in [facts.stage, facts.binary, facts.folder] {
        try require(path.hasPrefix("/") && PlainText.isVisible(path), "a box's path is none")
      }
      // Its paths stand in shell commands, which the box's own account runs: in quotes, whatever they hold.
      let words = PlainText.shellWords(BoxScript.removeStage(facts))
      try require(
        words == [Array("rm".utf8), Array("-rf".utf8), Array(facts.stage.utf8)],
        "a path leaves its quotes: \(facts.stage)")
    } catch let refusal as Refusal {
      try require(PlainText.isVisible(refusal.message), "a refusal is not safe to show: \(refusal.message)")
    }
  },
  FuzzTarget(
    "quoting",
    seeds: [
      "/home/anna/.ssh/id ed25519", "it's", "a\"b\\c%d", "'\u{301}", "\"\u{301}", "%\u{301}", "\\\u{20DD}x",
      "$(id)`id`",
    ]
  ) { bytes in
    let word = text(bytes)
    let expected = Array(word.utf8)
    try require(PlainText.shellWords(ShellWord.quoted(word)) == [expected], "a shell reads another word")
    try require(PlainText.sshValue(SSHOptionValue.path(word)) == expected, "ssh reads another value")
    let inProxy = SSHOptionValue.proxyCommandWord(word).utf8.split(
      separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
    let filled = text(
      inProxy.enumerated().flatMap { part in
        part.offset.isMultiple(of: 2) ? Array(part.element) : [UInt8(ascii: "%")] + Array(part.element)
      })
    try require(inProxy.count % 2 == 1, "ssh finds a token")
    _ = filled
    if (try? PlainSSHConfiguration.check(path: word)) != nil {
      try require(
        !word.utf8.contains { Array("\"'\\$%*?[]\n".utf8).contains($0) }, "ssh's configuration reads another path")
    }
    if let login = try? DeviceLogin(parsing: word, usage: "") {
      try require(
        PlainText.isWord(login.device.rawValue) && login.user?.utf8.first != UInt8(ascii: "-"), "a login is an option")
    }
  },
  FuzzTarget(
    "user-data",
    seeds: [
      "", "#cloud-config\nusers: []\n", "#!/bin/sh\necho hi\n",
      "Content-Type: multipart/mixed; boundary=\"x\"\n\n--x--\n",
      "#cloud-config\n# é\n", "--==fleet-agent-first-boot==\n", "#include\u{301}\n", "\u{FEFF}#cloud-config\n",
    ]
  ) { bytes in
    let script = Array("#!/bin/sh\nexec true\n".utf8)
    guard let extended = try? CloudInitUserData.extended(bytes, script: script) else { return }
    try require(
      (try? CloudInitUserData.extended(extended, script: script)) == extended, "doing it again changes something")
    let scripts = text(extended).ranges(of: text(script))
    try require(!scripts.isEmpty, "the script is not there")
    try require(extended.count <= 2 * bytes.count + 2000, "user-data grows")
  },
  FuzzTarget(
    "elf", seeds: ["#!/bin/sh\n"],
    bytes: [Array("\u{7F}ELF".utf8) + [2, 1] + [UInt8](repeating: 0, count: 12) + [183, 0]]
  ) { bytes in
    guard let machine = ELFMachine.name(inHead: bytes) else { return }
    try require(
      PlainText.isWord(machine) && ELFMachine.runs(machine, on: machine), "a program does not run on its machine")
  },
  FuzzTarget("archive", seeds: ["fleet-agent-kitchen-pi/agent.json\n{}", "a/\(String(repeating: "b", count: 101))\nx"])
  { bytes in
    let given = parts(bytes)
    guard given.count >= 2, let name = try? DeviceName(validating: given[0]) else { return }
    let content = Array(bytes.dropFirst(given[0].utf8.count + 1))
    let file = TarArchive.file("fleet-agent-\(name)/agent.json", content, mode: 0o600, modified_s: Int64(content.count))
    try require(file.count.isMultiple(of: 512) && file.count >= 512, "an archive has half a block")
    let sum = file[..<512].enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    try require(Int(text(file[148..<154]), radix: 8) == sum, "an archive's checksum is wrong")
    try require(Int(text(file[124..<135]), radix: 8) == content.count, "an archive's file has another size")
    try require(Array(file[512..<(512 + content.count)]) == content, "an archive's file is another")
    let member = GzipMember.stored(content)
    try require(
      Array(member.suffix(4)) == (0..<4).map { UInt8(truncatingIfNeeded: content.count >> ($0 * 8)) },
      "a gzip file has another size")
    try require(member.count == content.count + 18 + 5 * max(1, (content.count + 0xFFFE) / 0xFFFF), "a gzip file grows")
  },
]
