import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct ProvisioningTests {
  private let plain = TerminalStyle(hasColor: false)
  private static let probe = """
    Welcome to the box!
    fleet-probe=1
    system=Linux
    machine=aarch64
    user=pi
    services=systemd
    free_kb=1000000
    sshd_port=2200
    stage=/home/pi/fleet-agent-kitchen-pi
    binary=/home/pi/.local/bin/fleet-agent
    folder=/home/pi/.config/fleet-agent
    staged=
    installed=123 456
    device=old-name

    """

  @Test func nothingIsTouchedBeforeHostAHasAnswered() {
    let carried = ProvisionPlan.carried(.writeBundle)
    #expect(ProvisionPlan.bench.steps.first == .askHostA && carried.steps.first == .askHostA)
    #expect(ProvisionPlan.bench.steps.last == .reachThroughHostA && carried.steps.last == .writeBundle)
    // A lease is taken only with a key, and host keys are pinned before anything connects.
    for (earlier, later) in [
      (ProvisionStep.makeKey, ProvisionStep.lease), (.readHostKeys, .enroll), (.lease, .enroll), (.enroll, .install),
    ] {
      let steps = ProvisionPlan.bench.steps
      #expect(steps.firstIndex(of: earlier)! < steps.firstIndex(of: later)!)
    }
  }

  @Test func progressTellsWhatWasDone() {
    var progress = ProvisionProgress(.carried(.writeBundle), of: "provisioning kitchen-pi")
    #expect(progress.finish("x", style: plain) == "✓ ask HostA: x")
    #expect(progress.finish("", style: plain) == "✓ make the device's key")
    let reason = Refusal(.hostUnreachable, "HostA does not answer", hint: "wait")
    #expect(progress.failure(reason, style: plain) == "✗ lease a port: HostA does not answer")
    let outcome = progress.outcome(of: reason)
    #expect(outcome.code == .hostUnreachable)
    #expect(outcome.message == "provisioning kitchen-pi stopped; done so far: ask HostA, make the device's key")
    #expect(outcome.hint == "wait; then run the same command again, it continues from there")
    #expect(progress.outcome(of: Refusal(.nameTaken, "x", hint: "choose")).hint == "choose")
  }

  @Test func boxFacts() throws {
    let facts = try BoxFacts(parsing: Self.probe)
    #expect(facts.machine == "aarch64" && facts.user == Sample.pi && facts.sshdPort.rawValue == 2200)
    #expect(facts.installedChecksum == "123 456" && facts.stagedChecksum == "" && facts.presentDevice == "old-name")
  }

  @Test(arguments: [
    ("fleet-probe=1", "nothing"), ("system=Linux", "system=Darwin"), ("free_kb=1000000", "free_kb=1000"),
    ("sshd_port=2200", "sshd_port=x"), ("stage=/", "stage="), ("folder=/home", "folder=/ho\u{1B}me"),
    ("user=pi", "user=-x"),
  ])
  func unsuitableBoxes(_ old: String, _ new: String) {
    #expect(throws: Refusal.self) { try BoxFacts(parsing: Self.probe.replacing(old, with: new)) }
  }

  @Test func theProbeItselfRunsHere() throws {
    let script = try FileStore.content(of: Checkout.deviceFiles + "/probe.sh") ?? []
    try Scratch.with { home in
      let outcome = try Subprocess.run(
        ["env", "HOME=\(home)", "SSH_CONNECTION=10.0.0.2 1234 10.0.0.3 2200", "sh", "-s", "--", "kitchen-pi", "user"],
        input: .bytes(script))
      let facts = try BoxFacts(parsing: outcome.text)
      #expect(facts.sshdPort.rawValue == 2200 && facts.stage == "\(home)/fleet-agent-kitchen-pi")
      #expect(facts.presentDevice == nil && facts.free_kb != nil && outcome.errorText.isEmpty)
    }
  }

  @Test func boxScriptsWriteInOneStepWhateverTheNames() throws {
    try Scratch.with { (folder: String) throws in
      let place = "\(folder)/it's here"
      let bytes = Array("content\n".utf8)
      let write = BoxScript.write("file", in: place, mode: "640")
      #expect(try Subprocess.run(["sh", "-c", write], input: .bytes(bytes)).status == 0)
      #expect(try FileStore.content(of: "\(place)/file") == bytes)
      #expect(try Subprocess.run(["sh", "-c", BoxScript.copy("\(place)/file", to: "copy", in: place)]).status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: place).sorted() == ["copy", "file"])
      let echo = BoxScript.fromInput(["a b", "'"])
      #expect(try Subprocess.run(["sh", "-c", echo], input: .bytes(Array("echo \"$2|$1\"".utf8))).text == "'|a b\n")
    }
  }

  /// A connection that breaks looks to the box like the end of the file; a full disk ends in the middle of it.
  @Test func whatDidNotComeWholeLeavesNothing() throws {
    try Scratch.with { (folder: String) throws in
      let write = BoxScript.write("file", in: folder, mode: "640", size: 9)
      let cut = try Subprocess.run(["sh", "-c", write], input: .bytes(Array("content\n".utf8)))
      #expect(cut.status == 1 && cut.errorText.contains("did not come whole"), "\(cut.errorText)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      let whole = try Subprocess.run(["sh", "-c", write], input: .bytes(Array("content!\n".utf8)))
      #expect(whole.status == 0 && FileStore.exists("\(folder)/file"))
    }
  }

  @Test func aDryRunShowsPathModeAndSize() {
    var plan = PlannedChanges()
    plan.add(
      "files:", files: [.init(path: "/a", mode: "600", bytes: 1500), .init(path: "/long", mode: "755", bytes: nil)])
    plan.add("nothing:", lines: [])
    #expect(plan.text == "files:\n  /a     600  1.5 kB\n  /long  755  made then\n")
    let fresh = PlannedChanges.onHostA(
      .provision, Sample.kitchen, present: nil, user: Sample.pi, tags: ["b": "2", "a": "1"], hostKeys: 3)
    #expect(
      fresh == ["lease the lowest free port to kitchen-pi", "log in as pi", "tags a=1, b=2", "pin 3 host keys"])
    let known = PlannedChanges.onHostA(
      .provision, Sample.kitchen, present: TCPPort(20007), user: Sample.pi, tags: [:], hostKeys: nil)
    #expect(known[0].hasPrefix("keep port 20007") && known[2] == "no tags")
  }

  @Test func keysAreFoundAmongOtherLines() {
    #expect(
      BoxSetup.keys(in: "motd\n\(Sample.hostKeyText) root@box\n\n\(Sample.hostKeyText)\n") == [Sample.hostKey])
  }

  @Test(
    arguments: [(62, "x86_64"), (183, "aarch64"), (40, "armv7l"), (3, "i686"), (243, "riscv64")] as [(UInt8, String)])
  func elfMachines(number: UInt8, name: String) {
    var head: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0, count: 14)
    head[18] = number
    #expect(ELFMachine.name(inHead: head) == name && ELFMachine.name(inHead: head.dropLast()) == nil)
    #expect(ELFMachine.runs(name, on: name) && !ELFMachine.runs(name, on: "sparc64"))
  }

  @Test func aScriptIsNoAgent() throws {
    #expect(ELFMachine.name(inHead: Array("#!/bin/sh\nexec something".utf8)) == nil)
    try Scratch.with { folder in
      try FileStore.replace("\(folder)/agent", with: "#!/bin/sh\n".utf8)
      let refusal = #expect(throws: Refusal.self) { try AgentBinary.find(given: "\(folder)/agent", machine: "x86_64") }
      #expect(refusal?.code == .toolMissing)
    }
  }

  @Test func whereFilesAreLookedFor() {
    let agents = LinuxProgram.candidates("fleet-agent", beside: "/usr/local/bin/fleet", machine: "aarch64")
    #expect(agents.first == "/usr/local/bin/fleet-agent-aarch64")
    #expect(agents.contains("/usr/local/bin/../libexec/fleet/fleet-agent"))
    let files = DeviceFiles.candidates(share: nil, program: "/src/.build/debug/fleet")
    #expect(files.first == "/src/.build/debug/../share/fleet/device" && files.contains("/src/provisioning/device"))
    #expect(DeviceFiles.candidates(share: "/s", program: "/x/fleet") == ["/s/device"])
  }
}

enum Checkout {
  static var deviceFiles: String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../provisioning/device")
      .standardizedFileURL.path
  }
}
