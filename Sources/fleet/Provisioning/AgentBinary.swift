import FleetProtocol

/// The agent's program on this laptop, to be copied to a box.
enum AgentBinary {
  /// Finds the program for a box that calls itself `machine`; `nil` takes any. Throws `box-unsuitable` or `tool-missing`.
  static func find(given: String?, machine: String?) throws(Refusal) -> LinuxProgram {
    try LinuxProgram.find(
      "fleet-agent", given: given ?? LaptopEnvironment.variable("FLEET_AGENT_BINARY"), machine: machine,
      for: "the box", option: "--agent")
  }
}
