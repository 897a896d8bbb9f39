import FleetProtocol

/// What `fleet-server doctor` says of all its findings.
struct HostReport: Hashable {
  /// Of what it speaks: the folder, the sshd, the fleet's size.
  let subject: String
  let findings: [HostFinding]

  /// Whether nothing is serious.
  var isOK: Bool { !findings.contains { $0.severity == .serious } }

  /// For people: what is serious first, and what is fine in one line each.
  var text: String {
    let width = findings.map(\.code.rawValue.count).max() ?? 0
    var text = subject + "\n\n"
    for severity in HostFinding.Severity.allCases {
      for finding in findings where finding.severity == severity {
        let code = finding.code.rawValue
        text += "\(severity.sign) \(code)\(String(repeating: " ", count: width - code.count))  \(finding.what)\n"
        if let consequence = finding.consequence { text += "    \(consequence)\n" }
        if let mend = finding.mend { text += "    \(mend.place):\n        \(mend.line)\n" }
      }
    }
    return text + "\n\(summary)\n"
  }

  private var summary: String {
    let counts = HostFinding.Severity.allCases.map { severity in
      (severity, findings.count { $0.severity == severity })
    }
    let words: [String] = counts.compactMap { severity, count in
      switch severity {
      case .serious: "\(count) serious"
      case .warning: count == 0 ? nil : "\(count) warning\(count == 1 ? "" : "s")"
      case .note: count == 0 ? nil : "\(count) note\(count == 1 ? "" : "s")"
      case .fine: "\(count) fine"
      }
    }
    return words.joined(separator: ", ")
  }

  /// For programs: one JSON object, without a newline.
  var json: String {
    let found = findings.filter { $0.severity != .fine }.map { finding in
      JSON.object([
        "code": .string(finding.code.rawValue), "severity": .string(finding.severity.rawValue),
        "what": .string(finding.what), "consequence": JSON(finding.consequence), "mend": JSON(finding.mend?.line),
        "where": JSON(finding.mend?.place),
      ])
    }
    let fine = findings.filter { $0.severity == .fine }.map { finding in
      JSON.object(["code": .string(finding.code.rawValue), "what": .string(finding.what)])
    }
    return JSON.object([
      "v": .integer(Reply.version), "ok": .bool(isOK), "findings": .array(found), "fine": .array(fine),
    ]).text
  }
}
