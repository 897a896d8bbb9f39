import FleetProtocol

/// Whether the key file lets in whom the registry names, and nobody else.
struct KeyFileVerdict {
  let evidence: KeyFileEvidence
  /// The expected lines, and what the key of each one is for.
  private let expected: Set<String>
  private let holders: [String: String]

  init(_ evidence: KeyFileEvidence) {
    self.evidence = evidence
    guard let wanted = evidence.wanted else {
      expected = []
      holders = [:]
      return
    }
    let command = ForcedCommand(executable: evidence.program ?? evidence.ownProgram, home: evidence.namedHome)
    let text = KeyFileText.render(
      devices: wanted.devices, operators: wanted.operators, enrollKeys: wanted.enrollKeys, command: command)
    expected = Set(text.split(separator: "\n").map(String.init))
    var holders: [String: String] = [:]
    for device in wanted.devices {
      holders[device.key.description] = wanted.names[device.id]?.rawValue ?? "the device \(device.id)"
    }
    for entry in wanted.operators { holders[entry.key.description] = "the operator \(entry.name)" }
    for entry in wanted.enrollKeys { holders[entry.key.description] = "the enroll key \(entry.id)" }
    self.holders = holders
  }

  var findings: [HostFinding] { [stray, malformed, differing, open] }

  /// Lines that fleet-server has not written, and keys of ours that stand where another line wins.
  private var stray: HostFinding {
    let lines = evidence.own.filter { isStray($0) }
    if !lines.isEmpty {
      return HostFinding(
        .serious, .keyLinesStray, described(lines),
        consequence: "whoever holds that key may do what its line says, and no list and no log of fleet names them",
        mend: evidence.rewrite)
    }
    let shadowing = evidence.others.filter { $0.key.map { holders[$0.key] != nil } ?? false }
    if let first = shadowing.first {
      return HostFinding(
        .serious, .keyLinesStray, described(shadowing) + ", outside fleet-server's block",
        consequence:
          "the key of \(first.key.flatMap { holders[$0.key] } ?? "a device") opens the account with what the "
          + "first of its lines says, not with what fleet-server's says",
        mend: .shell("sed -i \(first.number)d \(evidence.path)"))
    }
    return .fine(.keyLinesStray, "fleet-server has written every line of \(place)")
  }

  private func isStray(_ line: KeyFileEvidence.Line) -> Bool {
    guard let key = line.key, !line.isBlank, !expected.contains(line.text), holders[key.key] == nil else {
      return false
    }
    guard let command = key.fleetServerCommand else { return true }
    // Without the registry nobody can say whom such a line should let in.
    return evidence.wanted != nil && !isSpentEnrollKey(command)
  }

  private func isSpentEnrollKey(_ command: [Substring]) -> Bool {
    command.count == 3 && command[1] == "enroll-key"
      && evidence.wanted?.knownEnrollKeys.contains(String(command[2])) == true
  }

  private var malformed: HostFinding {
    func isMalformed(_ line: KeyFileEvidence.Line) -> Bool { line.key == nil && !line.isBlank }
    let own = evidence.own.filter(isMalformed)
    if !own.isEmpty {
      return HostFinding(
        .warning, .keyLinesMalformed, described(own),
        consequence: "sshd passes over what it does not understand, so whoever that line was for is locked out",
        mend: evidence.rewrite)
    }
    let others = evidence.others.filter(isMalformed)
    guard let first = others.first else { return .fine(.keyLinesMalformed, "sshd understands every line of \(place)") }
    return HostFinding(
      .note, .keyLinesMalformed, described(others) + ", outside fleet-server's block",
      consequence: "sshd passes over what it does not understand",
      mend: .shell("sed -i \(first.number)d \(evidence.path)"))
  }

  /// Lines of ours that say something else than the registry, and those that are not there.
  private var differing: HostFinding {
    guard evidence.wanted != nil else {
      return .notKnown(.keyLinesDiffer, "the registry, which the key file follows, cannot be read")
    }
    let lines = evidence.own.filter { line in
      !expected.contains(line.text) && (line.key.map { holders[$0.key] != nil } ?? false)
    }
    if !lines.isEmpty {
      return HostFinding(
        .serious, .keyLinesDiffer, described(lines),
        consequence: "sshd holds that key to what stands there, which is not what the registry says",
        mend: evidence.rewrite)
    }
    let present = Set(evidence.own.compactMap { $0.key?.key })
    let missing = holders.filter { !present.contains($0.key) }.map(\.value).sorted()
    if !missing.isEmpty {
      return HostFinding(
        .serious, .keyLinesDiffer, "no line for \(list(missing))",
        consequence: "sshd refuses the key that the registry names, so its holder is locked out", mend: evidence.rewrite
      )
    }
    return .fine(.keyLinesDiffer, "\(place) says what the registry says")
  }

  private var open: HostFinding {
    let own = evidence.own.filter { $0.key?.isOpen == true }
    let others = evidence.others.filter { $0.key?.isOpen == true }
    guard let first = (own + others).first else {
      return .fine(.keyLinesOpen, "no key that may listen may connect to everything")
    }
    return HostFinding(
      .serious, .keyLinesOpen, "\(described(own + others)): permitlisten without permitopen",
      consequence: "that key reaches every port of HostA and every host that HostA reaches",
      mend: own.isEmpty
        ? HostFinding.Mend(
          line: "permitopen=\"\(Loopback.address):1\",", place: "\(evidence.path), at the start of line \(first.number)"
        )
        : evidence.rewrite)
  }

  private var place: String { evidence.others.isEmpty ? evidence.path : "fleet-server's block in \(evidence.path)" }

  private func described(_ lines: [KeyFileEvidence.Line]) -> String {
    let shown = lines.prefix(5).map { line in
      let comment = line.key.map { holders[$0.key] ?? $0.comment } ?? ""
      return comment.isEmpty ? "\(line.number)" : "\(line.number) (\(DisplayText.escaped(comment, limit: 40)))"
    }
    let more = lines.count > 5 ? " and \(lines.count - 5) more" : ""
    return "line\(lines.count == 1 ? "" : "s") \(shown.joined(separator: ", "))\(more) of \(evidence.path)"
  }

  private func list(_ names: [String]) -> String {
    names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
  }
}

/// Which program the key lines start.
enum KeyProgramVerdict {
  /// What stands where the key lines say.
  enum Found: Hashable {
    case missing
    /// It cannot be run.
    case unusable
    case same
    case another
  }

  static func finding(_ program: String?, found: Found, running: String, rewrite: HostFinding.Mend) -> HostFinding {
    guard let program else { return .fine(.keyLinesProgram, "no line starts a program yet") }
    let shown = DisplayText.escaped(program, limit: 200)
    switch found {
    case .same: return .fine(.keyLinesProgram, "the key lines start \(shown)")
    case .another:
      return HostFinding(
        .warning, .keyLinesProgram, "the key lines start \(shown), this is \(running)",
        consequence: "devices and operators are answered by another fleet-server than the one that you look at",
        mend: rewrite)
    case .missing, .unusable:
      return HostFinding(
        .serious, .keyLinesProgram, "\(shown) \(found == .missing ? "does not exist" : "cannot be run")",
        consequence: "tunnels that are up stay up, but no device can claim its port and no request is answered",
        mend: rewrite)
    }
  }
}
