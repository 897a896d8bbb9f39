import FleetProtocol

/// What was found at one step.
struct Finding: Hashable {
  enum Mark: String {
    case well
    /// Not as it should be, but the way goes on; or not to be told from here.
    case noted
    case failed

    var sign: String {
      switch self {
      case .well: "✓"
      case .noted: "-"
      case .failed: "✗"
      }
    }
  }

  let step: DoctorStep
  let mark: Mark
  /// Escaped where it comes from another machine.
  let detail: String
  /// How long it took, in milliseconds; `nil` where that says nothing.
  let took_ms: Double?

  init(_ step: DoctorStep, _ detail: String, mark: Mark = .well, took: Duration? = nil) {
    self.step = step
    self.mark = mark
    self.detail = detail
    took_ms = took.map { Double($0.components.seconds) * 1e3 + Double($0.components.attoseconds) / 1e15 }
  }

  func line(style: TerminalStyle) -> String {
    let color: TerminalStyle.Color =
      switch mark {
      case .well: .green
      case .noted: .yellow
      case .failed: .red
      }
    let time = took_ms.map { style.paint(" (\(DeviceTable.latency($0)))", .faint) } ?? ""
    return style.paint(mark.sign, color) + " \(step.title): \(detail)\(time)\n"
  }
}

/// The findings of a part of the way, up to the one that failed.
struct Verdict: Hashable {
  var findings: [Finding]
  /// Why it does not go on; `nil` where it does.
  var refusal: Refusal?

  /// Ends the findings with the one that failed.
  static func failed(_ findings: [Finding], _ step: DoctorStep, _ refusal: Refusal, took: Duration? = nil) -> Verdict {
    Verdict(findings: findings + [Finding(step, refusal.message, mark: .failed, took: took)], refusal: refusal)
  }
}

/// What `fleet doctor` found as a whole.
struct DoctorReport: Hashable {
  /// The HostA's name on this laptop; `nil` where none is known.
  var host: String?
  let device: DeviceName?
  private(set) var findings: [Finding] = []
  var refusal: Refusal?

  init(device: DeviceName?) { self.device = device }

  mutating func add(_ finding: Finding) { findings.append(finding) }

  /// The steps that were not come to.
  var unreached: [DoctorStep] {
    let seen = Set(findings.map(\.step))
    return DoctorStep.walk(toDevice: device != nil).filter { !seen.contains($0) }
  }

  /// The lines for `unreached`.
  func unreachedLines(style: TerminalStyle) -> String {
    unreached.map { style.paint("- \($0.title)", .faint) + "\n" }.joined()
  }

  /// One JSON object, with a newline at its end.
  var json: String {
    let done = findings.map { finding in
      JSON.object([
        "step": .string(finding.step.rawValue), "result": .string(finding.mark.rawValue),
        "detail": .string(finding.detail), "ms": finding.took_ms.map { .number($0) } ?? .null,
      ])
    }
    let rest = unreached.map { step in
      JSON.object(["step": .string(step.rawValue), "result": .string("not-reached"), "detail": .null, "ms": .null])
    }
    var object: JSONObject = [
      "v": .integer(Reply.version), "ok": .bool(refusal == nil), "host": JSON(host), "device": JSON(device?.rawValue),
      "steps": .array(done + rest),
    ]
    if let refusal {
      object["failed"] = JSON(findings.last { $0.mark == .failed }?.step.rawValue)
      object["code"] = .string(refusal.code.rawValue)
      object["message"] = .string(refusal.message)
      object["hint"] = JSON(refusal.hint)
    }
    return JSON.object(object).text + "\n"
  }
}
