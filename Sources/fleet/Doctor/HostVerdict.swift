import FleetProtocol

/// What one traced connection tells of the way from the laptop to fleet-server.
enum HostVerdict {
  /// `answer` is what HostA replied to `version`, or why it did not.
  static func of(_ trace: SSHTrace, answer: Result<JSONObject, Refusal>) -> Verdict {
    let failure: Refusal? = if case .failure(let refusal) = answer { refusal } else { nil }
    let failed = failure.map { step(of: $0, trace) }
    var findings: [Finding] = []
    for step in [DoctorStep.hostName, .hostPort, .hostSSHD, .hostKey] {
      if let failure, step == failed {
        return .failed(findings, step, failure, took: trace.end - start(of: step, trace))
      }
      findings.append(finding(step, trace))
    }
    let authenticated = trace.authenticated?.at ?? trace.end
    switch answer {
    case .failure(let refusal):
      return .failed(findings, .hostLogin, refusal, took: trace.end - start(of: .hostLogin, trace))
    case .success(let fields):
      return Verdict(
        findings: findings + [
          Finding(
            .hostLogin, introduction(fields, key: trace.accepted?.text),
            took: max(authenticated, trace.end) - start(of: .hostLogin, trace))
        ])
    }
  }

  /// Where on the way it failed.
  private static func step(of refusal: Refusal, _ trace: SSHTrace) -> DoctorStep {
    if trace.authenticated != nil || trace.verified != nil { return .hostLogin }
    if refusal.code == .notAnOperator || refusal.code == .keyUnusable { return .hostLogin }
    if trace.hostKey != nil || refusal.code == .hostKeyChanged { return .hostKey }
    if trace.established != nil || trace.software != nil || trace.preface != nil { return .hostSSHD }
    return trace.connecting == nil && trace.proxy == nil ? .hostName : .hostPort
  }

  private static func start(of step: DoctorStep, _ trace: SSHTrace) -> Duration {
    let marks: [(DoctorStep, SSHTrace.Moment?)] = [
      (.hostPort, trace.connecting ?? trace.proxy), (.hostSSHD, trace.established), (.hostKey, trace.software),
      (.hostLogin, trace.verified),
    ]
    let wanted = DoctorStep.allCases.firstIndex(of: step)!
    let passed = marks.filter { DoctorStep.allCases.firstIndex(of: $0.0)! <= wanted }
    return passed.compactMap(\.1?.at).max() ?? .zero
  }

  private static func finding(_ step: DoctorStep, _ trace: SSHTrace) -> Finding {
    let began = start(of: step, trace)
    func took(_ moment: SSHTrace.Moment?) -> Duration? { moment.map { $0.at - began } }
    if trace.connecting == nil, trace.proxy != nil, step == .hostName || step == .hostPort {
      return Finding(step, "left to the proxy or jump host of your ssh configuration", mark: .noted)
    }
    switch step {
    case .hostName: return Finding(step, trace.connecting.map { place($0.text) } ?? "found", took: trace.connecting?.at)
    case .hostPort:
      let port = trace.connecting?.text.split(separator: " ").last.map { "\($0) is open" } ?? "open"
      return Finding(step, port, took: took(trace.established))
    case .hostSSHD: return Finding(step, trace.software?.text ?? "answers", took: took(trace.software))
    default: return Finding(step, "\(trace.hostKey?.text ?? "it is"), as pinned", took: took(trace.verified))
    }
  }

  /// `hosta.example is 203.0.113.9`, from `hosta.example [203.0.113.9] port 2222`.
  private static func place(_ text: String) -> String {
    let words = text.split(separator: " ")
    guard words.count > 1, words[1].hasPrefix("["), words[1].hasSuffix("]") else { return text }
    let address = words[1].dropFirst().dropLast()
    return address == words[0] ? "\(address) is an address" : "\(words[0]) is \(address)"
  }

  /// `you are anna, role admin; fleet-server 0.1.0; by SHA256:... (/home/anna/.ssh/id)`.
  private static func introduction(_ fields: JSONObject, key: String?) -> String {
    func text(_ name: String) -> String? {
      ((try? fields.optionalString(name, limit: Limits.text)) ?? nil).map { DisplayText.escaped($0) }
    }
    let role = text("role").map { ", role \($0)" } ?? ""
    let key = key.map { "; by \(SSHTrace.key($0))" } ?? ""
    return "you are \(text("operator") ?? "known")\(role); fleet-server \(text("version") ?? "?")\(key)"
  }
}
