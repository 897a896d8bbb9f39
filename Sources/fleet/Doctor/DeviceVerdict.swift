import FleetProtocol

/// What HostA knows of a device, and what one traced connection tells of the way from HostA to a shell on it.
enum DeviceVerdict {
  /// From the answer to `show`.
  static func ofRecord(_ reply: ShowReply, now: Timestamp, took: Duration) -> Verdict {
    let device = reply.device
    let note = device.note.map { DisplayText.escaped($0, limit: 300) }
    let seen = RelativeTime.text(device.lastSeen, now: now)
    if device.state == .offline { return .failed([], .record, offline(device, seen: seen, reply.outages), took: took) }
    var words = [device.state.rawValue, "seen \(seen)"]
    if let rtt_ms = device.rtt_ms { words.append("\(DeviceTable.latency(rtt_ms)) from HostA") }
    if let note { words.append(note) }
    if let latest = reply.outages.first(where: { $0.to != nil }), let length_s = latest.length_s {
      words.append(
        "last outage \(RelativeTime.text(latest.to, now: now)), for \(RelativeTime.length(length_s))")
    }
    let isWell = device.state == .online && note == nil
    return Verdict(findings: [
      Finding(.record, words.joined(separator: ", "), mark: isWell ? .well : .noted, took: took)
    ])
  }

  private static func offline(_ device: DeviceStatus, seen: String, _ outages: [Outage]) -> Refusal {
    let note = device.note ?? ""
    if note.contains("blocked") {
      return Refusal(
        .deviceBlocked, "\(device.name) is kept out: another program on HostA listens on its port \(device.port)",
        hint: "on HostA, find it by 'ss -ltnp sport = :\(device.port)' and end it; the device comes back by itself")
    }
    if !note.isEmpty {
      return Refusal(
        .deviceOffline, "\(device.name) is offline: \(DisplayText.escaped(note, limit: 300))",
        hint: "try again in a few seconds")
    }
    guard device.lastSeen != nil else {
      return Refusal(
        .deviceOffline, "\(device.name) was never seen by HostA",
        hint: "on the box, see whether its agent runs and what it says: fleet-agent status")
    }
    let count = outages.count
    let often = count > 2 ? "; it was away \(count) times, see 'fleet show \(device.name)'" : ""
    return Refusal(
      .deviceOffline, "\(device.name) has no tunnel, and was last seen \(seen)\(often)",
      hint: "see whether the box has power and a network; on it, 'fleet-agent status' says what it waits for, and it "
        + "comes back by itself; 'fleet wait \(device.name)' tells when")
  }

  /// What stands between HostA's listener and a login.
  struct Visit {
    let name: FleetHostName
    let user: String
    let header: ConnectHeader
    /// ssh's exit status.
    let status: Int32
    let trace: SSHTrace
    /// What HostA noted about the device.
    let note: String?

    var device: DeviceName { name.device }
  }

  /// Judges an ssh to the device that was to run `true` and to ask nobody.
  static func of(_ visit: Visit) -> Verdict {
    let (trace, device) = (visit.trace, visit.device)
    guard let software = trace.software else { return .failed([], .deviceSSHD, silent(visit), took: trace.end) }
    var findings = [Finding(.deviceSSHD, software.text, took: software.at)]
    guard let verified = trace.verified else {
      return .failed(findings, .deviceKey, unverified(visit), took: trace.end - software.at)
    }
    findings.append(
      Finding(
        .deviceKey, "\(trace.hostKey?.text ?? "it is"), as recorded\(recorded(visit.header))",
        took: verified.at - software.at))
    let took = trace.end - verified.at
    switch visit.status {
    case 0:
      let key = trace.accepted.map { " by \(SSHTrace.key($0.text))" } ?? ""
      findings.append(Finding(.deviceLogin, "as \(visit.user)\(key)", took: took))
      return Verdict(findings: findings)
    case 255 where trace.authenticated == nil: return .failed(findings, .deviceLogin, refused(visit), took: took)
    case 255:
      return .failed(
        findings, .deviceLogin,
        Refusal(
          .ioFailed, "the session with \(device) broke" + (LastLine.of(trace.errorText).map { ": \($0)" } ?? ""),
          hint: "try again; 'fleet show \(device)' tells whether its line is bad"), took: took)
    default:
      return .failed(
        findings, .deviceLogin,
        Refusal(
          .stepFailed,
          "\(visit.user) is let in, but the command 'true' ended with status \(visit.status) there"
            + (LastLine.of(trace.errorText).map { ": \($0)" } ?? ""),
          hint: "see what the account's shell and its start-up files do: getent passwd \(visit.user)"), took: took)
    }
  }

  private static func silent(_ visit: Visit) -> Refusal {
    if let preface = visit.trace.preface {
      let isPenalty = preface.text.lowercased().contains("not allowed at this time")
      return Refusal(
        .deviceSSHDown,
        "behind \(visit.device)'s tunnel something says '\(preface.text)' and is no sshd that lets us in",
        hint: isPenalty
          ? "its sshd refuses logins for a while after too many failed ones; wait some minutes"
          : "see what listens on the sshd_port of the box's agent.json")
    }
    let noted = visit.note.map { "; HostA notes: \(DisplayText.escaped($0, limit: 200))" } ?? ""
    let isHanging = visit.trace.errorText.lowercased().contains("timed out")
    return Refusal(
      .deviceSSHDown,
      isHanging
        ? "\(visit.device)'s tunnel stands, but what answers behind it says nothing\(noted)"
        : "\(visit.device)'s tunnel stands, but no sshd answers behind it\(noted)",
      hint: "start sshd on the box, on the sshd_port of its agent.json (22, unless --sshd-port said otherwise); "
        + "the tunnel need not be touched")
  }

  private static func unverified(_ visit: Visit) -> Refusal {
    let device = visit.device
    guard let shown = visit.trace.shownFingerprint else {
      let said = LastLine.of(visit.trace.errorText).map { ": \($0)" } ?? ""
      return Refusal(
        .deviceSSHDown, "\(device)'s sshd and this laptop's ssh do not come to terms\(said)",
        hint: "update the older one of the two")
    }
    let pinned = visit.header.hostKeys.sorted(by: KeyFingerprint.isBefore).map(KeyFingerprint.of)
    return Refusal(
      .deviceHostKeyChanged,
      "\(device) shows the host key \(shown), and recorded is \(pinned.joined(separator: " or "))\(recorded(visit.header))",
      hint: "whoever stands before the box compares 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' there: if it is "
        + "\(shown), 'fleet trust \(visit.name) --accept \(shown)'; if not, something else answers in its place")
  }

  private static func refused(_ visit: Visit) -> Refusal {
    let offered = visit.trace.offered.map(SSHTrace.key)
    let keys = offered.joined(separator: ", ")
    if visit.trace.accepted != nil {
      return Refusal(
        .keyUnusable, "\(visit.device) would let you in as \(visit.user), but ssh cannot use the private key: \(keys)",
        hint: "a key with a passphrase must be in ssh-agent: ssh-add")
    }
    guard !offered.isEmpty else {
      return Refusal(
        .deviceLoginRefused, "\(visit.device) does not let you in as \(visit.user); ssh has no key that it could offer",
        hint: "make one by 'ssh-keygen -t ed25519' and add its public half to ~\(visit.user)/.ssh/authorized_keys on "
          + "the box; one at another place than ~/.ssh stands as IdentityFile in ~/.ssh/config, under 'Host "
          + "\(visit.device)'")
    }
    return Refusal(
      .deviceLoginRefused, "\(visit.device) does not let you in as \(visit.user); it was offered \(keys)",
      hint: "add your public key to ~\(visit.user)/.ssh/authorized_keys on the box, or name another account: "
        + "fleet doctor USER@\(visit.device)")
  }

  /// ` on 2026-01-02 by anna`.
  private static func recorded(_ header: ConnectHeader) -> String {
    let day = header.enrolled.map { " on \($0.description.prefix(10))" } ?? ""
    return switch header.enrolledBy {
    case nil: day
    case "device"?: day + " at its first contact"
    case let name?: day + " by \(DisplayText.escaped(name, limit: 63))"
    }
  }
}
