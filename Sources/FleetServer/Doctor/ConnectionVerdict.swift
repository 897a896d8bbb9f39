import FleetProtocol

/// How many connections sshd takes, how long it keeps them, and whom it punishes.
struct ConnectionVerdict {
  let policy: SSHDPolicy
  let version: OpenSSHVersion?
  let devices: Int
  let cores: Int
  let place: SSHDConfigurationPlace

  var findings: [HostFinding] {
    [maxStartups, maxSessions, clientAlive, unusedConnectionTimeout, channelTimeout, perSourcePenalties]
  }

  private var maxStartups: HostFinding {
    guard let text = policy.value("maxstartups"), let value = MaxStartups(parsing: text) else {
      return .notKnown(.maxStartups, "sshd does not say it")
    }
    let suited = MaxStartups.suited(cores: cores)
    let shown = "MaxStartups \(value)"
    let mend = place.globalMend("MaxStartups \(suited)")
    if min(value.full, devices) > MaxStartups.most(cores: cores) {
      let logins = min(value.full, devices)
      let duration_s = Int(MaxStartups.duration_s(logins: logins, cores: cores).rounded())
      return HostFinding(
        .warning, .maxStartups, "\(shown), with \(devices) devices and \(cores) cores",
        consequence: "when the fleet comes back at once, \(logins) logins at a time take \(duration_s) s, more than a "
          + "quarter of the \(Int(MaxStartups.dialLimit_s)) s that an agent waits: tries end half way and begin anew",
        mend: mend)
    }
    if devices > value.start, value.start < suited.start {
      return HostFinding(
        .warning, .maxStartups, "\(shown), with \(devices) devices",
        consequence: "when the fleet comes back at once, sshd refuses connections by chance as soon as \(value.start) "
          + "are logging in, operators among them",
        mend: mend)
    }
    return .fine(.maxStartups, shown)
  }

  private var maxSessions: HostFinding {
    guard let value = policy.number("maxsessions") else { return .notKnown(.maxSessions, "sshd does not say it") }
    let shown = "MaxSessions \(value)"
    let mend = place.mend("MaxSessions 100")
    switch value {
    case ..<1:
      return HostFinding(
        .serious, .maxSessions, shown, consequence: "sshd runs no claim and no request", mend: mend)
    case ..<10:
      return HostFinding(
        .warning, .maxSessions, shown,
        consequence: "a laptop that shares one connection gets \(value) of its requests at a time through it, "
          + "and a new connection for each one more",
        mend: mend)
    case ..<100:
      return HostFinding(
        .note, .maxSessions, shown,
        consequence: "a command on more than \(value) devices at once makes further connections, which costs time",
        mend: mend)
    default: return .fine(.maxSessions, shown)
    }
  }

  /// sshd before 9.5 waits twice as long for a sign of life as it was told.
  private var clientAlive: HostFinding {
    guard let interval_s = policy.number("clientaliveinterval"), let count = policy.number("clientalivecountmax") else {
      return .notKnown(.clientAlive, "sshd does not say it")
    }
    let shown = "ClientAliveInterval \(interval_s), ClientAliveCountMax \(count)"
    let mend = place.mend(count > 0 ? "ClientAliveInterval 90" : "ClientAliveCountMax 3")
    guard interval_s > 0, count > 0 else {
      return HostFinding(
        .warning, .clientAlive, shown,
        consequence: "a connection that is silently dead keeps its memory on HostA until its device claims anew",
        mend: mend)
    }
    let isDoubled = version.map { $0 < OpenSSHVersion(9, 5) } ?? false
    let end_s = interval_s * count * (isDoubled ? 2 : 1)
    let why = isDoubled ? ", for OpenSSH before 9.5 waits twice as long as it is told" : ""
    if end_s > 1800 {
      return HostFinding(
        .warning, .clientAlive, shown,
        consequence: "a connection that is silently dead keeps its memory on HostA for \(end_s / 60) minutes\(why)",
        mend: place.mend("ClientAliveInterval 90"))
    }
    if interval_s * (isDoubled ? 2 : 1) < TrafficProfile.metered.keepalive_s {
      return HostFinding(
        .note, .clientAlive, shown,
        consequence:
          "sshd asks devices on metered lines for signs of life more often than they give them by themselves",
        mend: place.mend("ClientAliveInterval 90"))
    }
    return .fine(.clientAlive, "\(shown): a dead connection ends after \(end_s) s\(why)")
  }

  private var unusedConnectionTimeout: HostFinding {
    guard let value = policy.value("unusedconnectiontimeout"), value != "none", value != "0" else {
      return .fine(.unusedConnectionTimeout, "UnusedConnectionTimeout none")
    }
    return HostFinding(
      .serious, .unusedConnectionTimeout, "UnusedConnectionTimeout \(DisplayText.escaped(value, limit: 40))",
      consequence:
        "sshd ends every tunnel on which nobody is logged in, after \(DisplayText.escaped(value, limit: 40)) s",
      mend: place.mend("UnusedConnectionTimeout none"))
  }

  private var channelTimeout: HostFinding {
    guard let value = policy.value("channeltimeout"), value != "none" else {
      return .fine(.channelTimeout, "ChannelTimeout none")
    }
    return HostFinding(
      .warning, .channelTimeout, "ChannelTimeout \(DisplayText.escaped(value, limit: 80))",
      consequence: "sshd cuts sessions on devices in which nothing is typed for so long",
      mend: place.mend("ChannelTimeout none"))
  }

  private var perSourcePenalties: HostFinding {
    guard let value = policy.value("persourcepenalties") else {
      return .fine(.perSourcePenalties, "this sshd knows none")
    }
    guard value != "no" else { return .fine(.perSourcePenalties, "PerSourcePenalties no") }
    return HostFinding(
      .warning, .perSourcePenalties, "PerSourcePenalties \(DisplayText.escaped(value, limit: 60))",
      consequence: "one device that is refused, such as a removed one, locks out every device behind the same address",
      mend: place.globalMend("PerSourcePenalties no"))
  }
}
