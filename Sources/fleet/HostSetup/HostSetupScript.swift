import FleetProtocol

/// What `fleet init` has the server's `install.sh` do.
struct HostSetupScript: Hashable {
  /// The name or address that HostA is made with; `nil` on one that stands already.
  let address: String?
  let listen: String?
  let ports: String?
  let operatorName: OperatorName

  /// The arguments, with the operator's key in this file.
  func arguments(operatorKey: String, isRehearsal: Bool) -> [String] {
    var arguments = ["--operator", operatorName.rawValue, "--operator-key", operatorKey]
    if let address { arguments += ["--address", address] }
    if let listen { arguments += ["--listen", listen] }
    if let ports { arguments += ["--ports", ports] }
    return arguments + (isRehearsal ? ["--dry-run"] : [])
  }

  /// Runs the script that lies in the stage.
  func command(_ facts: HostSetupFacts) -> String {
    let words = ["\(facts.stage)/install.sh"] + arguments(operatorKey: Self.keyFile(facts), isRehearsal: false)
    return "exec sh " + words.map(ShellWord.quoted).joined(separator: " ")
  }

  static func keyFile(_ facts: HostSetupFacts) -> String { "\(facts.stage)/operator.pub" }
}

/// The line that `fleet-server login-line` prints: which HostA it is, and the fingerprint of its key.
struct HostLoginLine: Hashable {
  let target: LoginTarget
  let fingerprint: String

  /// Finds the line in what `install.sh` printed; `nil` when it is not there.
  init?(in output: String) {
    for line in output.split(whereSeparator: \.isNewline).reversed() {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5, words[0] == "fleet", words[1] == "login", words[3] == "--host-key",
        let target = try? LoginTarget(parsing: words[2]), HostKeyScan.isFingerprint(words[4])
      else { continue }
      self.target = target
      fingerprint = words[4]
      return
    }
    return nil
  }
}
