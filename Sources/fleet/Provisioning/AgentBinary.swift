import FleetProtocol

/// The agent's program on this laptop, to be copied to a box.
struct AgentBinary {
  let path: String
  let machine: String

  /// Where it may be, the most specific first; a name with the machine behind it serves boxes of another kind.
  static func candidates(beside program: String, machine: String?) -> [String] {
    let folder = program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "."
    let folders = [folder, "\(folder)/../libexec/fleet", "\(folder)/../lib/fleet"]
    let names = (machine.map { ["fleet-agent-\($0)"] } ?? []) + ["fleet-agent"]
    return names.flatMap { name in folders.map { "\($0)/\(name)" } }
  }

  /// Finds the program for a box that calls itself `machine`; `nil` takes any. Throws `box-unsuitable` or `tool-missing`.
  static func find(given: String?, machine: String?) throws(Refusal) -> AgentBinary {
    let chosen = given ?? LaptopEnvironment.variable("FLEET_AGENT_BINARY")
    let paths =
      chosen.map { [$0] } ?? Platform.executablePath.map { candidates(beside: $0, machine: machine) } ?? []
    var found: [AgentBinary] = []
    for path in paths where FileStore.exists(path) {
      guard let built = ELFMachine.name(inHead: try FileStore.head(of: path, count: 20)) else { continue }
      if machine.map({ ELFMachine.runs(built, on: $0) }) ?? true { return AgentBinary(path: path, machine: built) }
      found.append(AgentBinary(path: path, machine: built))
    }
    if let machine, let other = found.first {
      throw Refusal(
        .boxUnsuitable,
        "the box is a \(machine), and the agent in \(DisplayText.escaped(other.path)) is for \(other.machine)",
        hint: "build fleet-agent for \(machine), and give it with --agent FILE")
    }
    throw Refusal(
      .toolMissing, "there is no fleet-agent for the box\(chosen.map { " in \(DisplayText.escaped($0))" } ?? "")",
      hint: "build it and put it beside fleet, or give it with --agent FILE")
  }
}
