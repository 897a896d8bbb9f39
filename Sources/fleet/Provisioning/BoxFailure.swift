import FleetProtocol

/// What it means that ssh, or a command on a box, failed.
enum BoxFailure {
  /// `machine` is "the box", or what else stands at the other end.
  static func ofCommand(errorText: String, status: Int32, machine: String) -> Refusal {
    if errorText.lowercased().contains("no space left on device") || errorText.lowercased().contains("quota exceeded") {
      return Refusal(
        .boxUnsuitable, "the disk of \(machine) is full" + (LastLine.of(errorText).map { ": \($0)" } ?? ""),
        hint: "make room there")
    }
    return Refusal(
      .stepFailed, LastLine.of(errorText) ?? "\(machine) answered with status \(status)",
      hint: "mend that on \(machine)")
  }

  /// What an agent that is not online says of it: its last error, else its state.
  static func ofAgent(status: String) -> String? {
    let lines = status.split(whereSeparator: \.isNewline)
    for label in ["last error ", "state "] {
      guard let line = lines.first(where: { $0.hasPrefix(label) }) else { continue }
      return DisplayText.escaped(line.dropFirst(label.count).drop { $0 == " " }, limit: 300)
    }
    return nil
  }

  /// Why ssh did not get in, or lost its connection: the sentence and what to do about it.
  static func ofConnection(errorText: String, target: BoxTarget, machine: String) -> (message: String, hint: String) {
    let because = LastLine.of(errorText).map { ": \($0)" } ?? ""
    let port = target.port.map { "-p \($0) " } ?? ""
    let line = "'ssh \(port)\((target.user.map { "\($0)@" } ?? "") + target.address)'"
    let text = errorText.lowercased()
    if text.contains("permission denied") || text.contains("too many authentication failures") {
      return (
        "\(machine) \(target.description) does not accept this password or key\(because)", "make \(line) log in first"
      )
    }
    if text.contains("host key verification failed") {
      return (
        "the host key of \(machine) \(target.description) is unknown or has changed\(because)",
        "run \(line) once, and compare the fingerprint with the one on the box"
      )
    }
    return ("\(machine) \(target.description) does not answer\(because)", "make \(line) work first")
  }
}
