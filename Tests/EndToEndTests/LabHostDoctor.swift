import Foundation

/// `fleet-server doctor` in a lab.
extension Lab {
  /// What it says, run on HostA behind the words `wrapper`.
  func hostDoctor(
    _ options: String..., wrapper: [String] = [], as account: Account? = nil, environment: [String: String] = [:]
  ) throws -> HostDoctorAnswer {
    try HostDoctorAnswer(
      try run(
        account ?? hostA, wrapper + ["fleet-server", "doctor", "--json"] + options, environment: environment))
  }

  /// Leases ports to so many devices, without any box.
  func leaseOnHostA(_ count: Int) throws {
    for number in 0..<count {
      let key = try foreignKey("device-\(number)")
      let body = #"{"v":1,"key":"\#(key)","user":"pi","tags":{},"host_keys_from_first_claim":true}"#
      try succeed(
        hostA, ["fleet-server", "operator", "anna"], input: body,
        environment: ["SSH_ORIGINAL_COMMAND": "provision pi-\(number)"])
    }
  }

  /// Looks at HostA while one of its files says something else, and puts back what was there.
  func hostDoctor(
    of file: URL, saying change: (String) -> String, _ body: (HostDoctorAnswer) throws -> Void
  ) throws {
    let present = try succeed(hostA, ["cat", file.path])
    try overwrite(file, with: change(present))
    defer { try? overwrite(file, with: present) }
    try body(try hostDoctor())
  }

  /// Writes into the file that is there, which keeps its owner and its permissions.
  func overwrite(_ file: URL, with text: String) throws {
    try succeed(hostA, ["sh", "-c", "cat >\"$1\"", "sh", file.path], input: text)
  }
}

/// What `fleet-server doctor --json` has said.
struct HostDoctorAnswer {
  let outcome: Outcome
  let isOK: Bool
  /// By the finding's code; what is fine is not among them.
  let severities: [String: String]
  let mends: [String: String]
  let fine: Set<String>

  init(_ outcome: Outcome) throws {
    self.outcome = outcome
    let object = try Lab.object(outcome.output)
    isOK = object["ok"] as? Bool == true
    let findings = object["findings"] as? [[String: Any]] ?? []
    func texts(_ name: String) -> [String: String] {
      Dictionary(
        findings.compactMap { finding in
          (finding["code"] as? String).flatMap { code in (finding[name] as? String).map { (code, $0) } }
        }, uniquingKeysWith: { first, _ in first })
    }
    severities = texts("severity")
    mends = texts("mend")
    fine = Set((object["fine"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String })
  }

  /// Exactly these, and the status and `ok` that belong to them.
  func says(_ expected: [String: String]) -> Bool {
    let isSerious = expected.values.contains("serious")
    return severities == expected && isOK == !isSerious && outcome.status == (isSerious ? 1 : 0)
      && fine.isDisjoint(with: expected.keys)
  }
}
