import FleetProtocol
import Testing

@testable import FleetServer

/// How doctor compares the key file with the registry.
@Suite struct KeyFileVerdictTests {
  private let device: KeyFileText.Device
  private let wanted: KeyFileEvidence.Wanted
  private let text: String

  init() throws {
    let id = DeviceID(random: 7)
    device = KeyFileText.Device(id: id, port: try #require(TCPPort(20007)), key: try sampleKey(1))
    let anna = KeyFileText.Operator(name: try OperatorName(validating: "anna"), key: try sampleKey(2))
    wanted = KeyFileEvidence.Wanted(
      devices: [device], names: [id: try DeviceName(validating: "kitchen-pi")], operators: [anna], enrollKeys: [],
      knownEnrollKeys: ["0badcafe"])
    text = KeyFileText.render(
      devices: [device], operators: [anna], command: ForcedCommand(executable: "/opt/fleet-server", home: nil))
  }

  private func judge(
    _ file: String, mode: HostSettings.SSHDMode = .private, knowsRegistry: Bool = true
  ) throws -> [HostFinding.Code: HostFinding] {
    let (own, others) = try KeyFileEvidence.lines(of: Array(file.utf8), mode: mode)
    let evidence = KeyFileEvidence(
      path: "/k", own: own, others: others, wanted: knowsRegistry ? wanted : nil, namedHome: nil,
      ownProgram: "/elsewhere/fleet-server", rewrite: .shell("rewrite"))
    return Dictionary(uniqueKeysWithValues: KeyFileVerdict(evidence).findings.map { ($0.code, $0) })
  }

  private func unwell(_ findings: [HostFinding.Code: HostFinding]) -> Set<HostFinding.Code> {
    Set(findings.values.filter { $0.severity != .fine }.map(\.code))
  }

  @Test func whatFleetServerHasWrittenIsFine() throws {
    #expect(try unwell(judge(text)).isEmpty)
    let block = "# my own\n\(try sampleKey(9)) me\n# BEGIN fleet-server\n\(text)# END fleet-server\n"
    #expect(try unwell(judge(block, mode: .system)).isEmpty)
    #expect(try judge(block, mode: .system)[.keyLinesStray]?.what.hasSuffix("block in /k") == true)
  }

  @Test func aKeyOfNobodysIsStray() throws {
    let findings = try judge(text + "\(sampleKey(8)) eve\n")
    #expect(unwell(findings) == [.keyLinesStray])
    #expect(findings[.keyLinesStray]?.what == "line 4 (eve) of /k" && findings[.keyLinesStray]?.severity == .serious)
    // Also where the registry cannot be asked.
    #expect(
      try judge(text + "\(sampleKey(8)) eve\n", knowsRegistry: false)[.keyLinesStray]?.severity == .serious)
    #expect(try judge(text, knowsRegistry: false)[.keyLinesStray]?.severity == .fine)
  }

  @Test func aRemovedOperatorsLineIsStray() throws {
    let line = KeyLine.operator(
      try OperatorName(validating: "bob"), key: try sampleKey(8),
      command: ForcedCommand(executable: "/opt/fleet-server", home: nil))
    #expect(try unwell(judge(text + line + "\n")) == [.keyLinesStray])
  }

  @Test func theLineOfASpentEnrollKeyMayStay() throws {
    for (id, codes) in [("0badcafe", Set<HostFinding.Code>()), ("0badcaff", [.keyLinesStray])] {
      let line = KeyLine.enrollKey(
        try EnrollKeyID(validating: id), key: try sampleKey(8),
        command: ForcedCommand(executable: "/opt/fleet-server", home: nil))
      #expect(try unwell(judge(text + line + "\n")) == codes)
    }
  }

  @Test func aKeyOfOursOutsideTheBlockWins() throws {
    let file = "\(device.key) mine\n# BEGIN fleet-server\n\(text)# END fleet-server\n"
    let finding = try judge(file, mode: .system)[.keyLinesStray]
    #expect(finding?.severity == .serious && finding?.consequence?.contains("the key of kitchen-pi") == true)
    #expect(finding?.mend?.line == "sed -i 1d /k")
  }

  @Test func whatSSHDCannotReadIsMalformed() throws {
    #expect(try unwell(judge(text + "frobnicate \(sampleKey(8))\n")) == [.keyLinesMalformed])
    let outside = "half a line\n# BEGIN fleet-server\n\(text)# END fleet-server\n"
    #expect(try judge(outside, mode: .system)[.keyLinesMalformed]?.severity == .note)
  }

  @Test func aChangedOrMissingLineDiffers() throws {
    let changed = try judge(text.replacing("permitopen=\"127.0.0.1:20007\"", with: "permitopen=\"127.0.0.1:22\""))
    #expect(unwell(changed) == [.keyLinesDiffer])
    #expect(changed[.keyLinesDiffer]?.what == "line 3 (kitchen-pi) of /k")
    let missing = try judge(text.split(separator: "\n").dropLast().joined(separator: "\n") + "\n")
    #expect(unwell(missing) == [.keyLinesDiffer])
    #expect(missing[.keyLinesDiffer]?.what == "no line for kitchen-pi")
    #expect(try judge(text, knowsRegistry: false)[.keyLinesDiffer]?.what.hasPrefix("not known") == true)
  }

  @Test func listeningWithoutPermitopenIsOpen() throws {
    let own = try judge(text.replacing("permitopen=\"127.0.0.1:20007\",", with: ""))
    #expect(unwell(own) == [.keyLinesOpen, .keyLinesDiffer])
    let outside =
      "permitlisten=\"1\" \(try sampleKey(8)) old\n# BEGIN fleet-server\n\(text)# END fleet-server\n"
    #expect(try judge(outside, mode: .system)[.keyLinesOpen]?.mend?.place == "/k, at the start of line 1")
  }

  @Test func damagedMarkersAreRefused() {
    #expect(throws: Refusal.self) {
      try KeyFileEvidence.lines(of: Array("# BEGIN fleet-server\n".utf8), mode: .system)
    }
  }

  @Test func theProgramIsJudgedByItself() {
    func judged(_ found: KeyProgramVerdict.Found) -> HostFinding.Severity {
      KeyProgramVerdict.finding("/a", found: found, running: "/b", rewrite: .shell("rewrite")).severity
    }
    #expect(judged(.same) == .fine && judged(.another) == .warning)
    #expect(judged(.missing) == .serious && judged(.unusable) == .serious)
    #expect(
      KeyProgramVerdict.finding(nil, found: .same, running: "/b", rewrite: .shell("rewrite")).severity == .fine)
  }
}
