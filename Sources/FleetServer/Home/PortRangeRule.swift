import FleetProtocol

/// Which ranges of ports can be leased.
enum PortRangeRule {
  /// The kernel's range for outgoing connections, from the text of ip_local_port_range.
  static func ephemeral(parsing text: String) -> PortRange? {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" })
    guard words.count == 2, let lower = TCPPort(parsing: words[0]), let upper = TCPPort(parsing: words[1]) else {
      return nil
    }
    return PortRange(lower, upper)
  }

  /// The same of this machine, `nil` where the kernel does not tell.
  static func machinesEphemeral() -> PortRange? {
    FileReading.line(of: "/proc/sys/net/ipv4/ip_local_port_range").flatMap { ephemeral(parsing: $0) }
  }

  /// Throws `usage` for a range that the account cannot bind, or where an outgoing connection of this machine
  /// would now and then hold a device's port.
  static func check(_ range: PortRange, ephemeral: PortRange?) throws(Refusal) {
    guard range.lower.rawValue >= 1024 else {
      throw Refusal(
        .usage, "the ports \(range) hold some below 1024, which only root can listen on", hint: "use 20000-29999")
    }
    if let ephemeral, range.lower <= ephemeral.upper, ephemeral.lower <= range.upper {
      throw Refusal(
        .usage, "the ports \(range) overlap \(ephemeral), which the kernel uses for outgoing connections",
        hint: "use 20000-29999, or move net.ipv4.ip_local_port_range")
    }
  }
}
