import FleetProtocol

/// Why ssh stopped forwarding before anybody wanted it to.
struct ForwardEnd: Hashable {
  let device: DeviceName
  /// Whether the ports had been listened on.
  let wasListening: Bool
  /// What ssh said on its standard error.
  let errorText: String

  /// What is told, by what ssh said.
  var refusal: Refusal {
    let lines = errorText.split(whereSeparator: \.isNewline)
    // A port that nothing answers on ends one channel, not the connection.
    let reason = LastLine.of(lines.filter { !$0.hasPrefix("channel ") }.joined(separator: "\n"))
    let because = reason.map { ": \($0)" } ?? ""
    let text = errorText.lowercased()
    if wasListening { return Refusal(.deviceOffline, "the connection to \(device) is lost\(because)", hint: Self.keep) }
    if let line = lines.first(where: { $0.hasPrefix("bind [") }) {
      return Refusal(
        .ioFailed, "this laptop cannot listen on \(DisplayText.escaped(line.dropFirst("bind ".count), limit: 200))",
        hint: "choose another port, for example 'fleet forward \(device) 18080:80'")
    }
    if text.contains("host key verification failed") || text.contains("remote host identification has changed") {
      return hostKeyRefusal(lines)
    }
    if text.contains("permission denied") {
      return Refusal(
        .denied, "\(device) does not let this laptop's key in\(because)",
        hint: "see whether 'fleet ssh \(device)' works; USER@\(device) is another account")
    }
    if text.contains("bad configuration option") || text.contains("bad owner or permissions") {
      return Refusal(
        .configurationInvalid, "ssh does not accept its configuration\(because)", hint: "mend ~/.ssh/config, or the -o")
    }
    return Refusal(
      .deviceOffline, "the sshd of \(device) does not answer\(because)", hint: "see whether 'fleet ssh \(device)' works"
    )
  }

  /// What `fleet` told as the program that ssh asks for the device's keys, or less where it told nothing.
  private func hostKeyRefusal(_ lines: [Substring]) -> Refusal {
    let mark = "fleet: "
    guard let place = lines.firstIndex(where: { $0.hasPrefix(mark) }) else {
      return Refusal(.deviceHostKeyChanged, "\(device) shows another host key than the one that was recorded")
    }
    let next = lines.index(after: place)
    let hint = next < lines.endIndex && lines[next].hasPrefix("  ") ? lines[next].drop { $0 == " " } : nil
    return Refusal(
      .deviceHostKeyChanged, DisplayText.escaped(lines[place].dropFirst(mark.count)),
      hint: hint.map { DisplayText.escaped($0) })
  }

  /// What is told after the connection was lost: HostA's own reason where it has one.
  func refusal(hostA: Refusal?) -> Refusal {
    guard let hostA else { return refusal }
    return Refusal(hostA.code, "the connection to \(device) is lost: \(hostA.message)", hint: hostA.hint ?? Self.keep)
  }

  /// Whether a line of ssh's says no more than that the connection has ended, which is told in our own words.
  static func isTold(by line: some StringProtocol) -> Bool {
    ["client_loop: ", "Connection to ", "Connection closed", "Timeout, server "].contains { line.hasPrefix($0) }
  }

  private static let keep = "with --keep it comes back by itself"
}

/// When a connection that is to be kept is tried again.
enum ForwardRetry {
  /// The waiting time before the next try, after so many that failed.
  static func delay(failures: Int) -> Duration { .seconds(min(15, 1 << min(failures, 4))) }

  /// Whether waiting can help.
  static func mayPass(_ refusal: Refusal) -> Bool {
    [.deviceOffline, .deviceBlocked, .hostUnreachable].contains(refusal.code)
  }
}
