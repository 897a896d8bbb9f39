import FleetProtocol

/// A program of ours on this laptop that is copied to another machine, of whatever kind that one is.
struct LinuxProgram {
  let path: String
  let machine: String

  /// Where `program` may be, the most specific first; a name with the machine behind it serves machines of another kind.
  static func candidates(_ program: String, beside own: String, machine: String?) -> [String] {
    let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
    let folders = [folder, "\(folder)/../libexec/fleet", "\(folder)/../lib/fleet"]
    let names = (machine.map { ["\(program)-\($0)"] } ?? []) + [program]
    return names.flatMap { name in folders.map { "\($0)/\(name)" } }
  }

  /// Finds `program` for a machine that calls itself `machine`; `nil` takes any.
  ///
  /// `given` is a file that a person named by `option`. `place` is where it goes, such as "the box". Throws
  /// `box-unsuitable` or `tool-missing`.
  static func find(
    _ program: String, given: String?, machine: String?, for place: String, option: String
  ) throws(Refusal) -> LinuxProgram {
    let paths =
      given.map { [$0] } ?? Platform.executablePath.map { candidates(program, beside: $0, machine: machine) } ?? []
    var found: [LinuxProgram] = []
    for path in paths where FileStore.exists(path) {
      guard let built = ELFMachine.name(inHead: try FileStore.head(of: path, count: 20)) else { continue }
      if machine.map({ ELFMachine.runs(built, on: $0) }) ?? true { return LinuxProgram(path: path, machine: built) }
      found.append(LinuxProgram(path: path, machine: built))
    }
    if let machine, let other = found.first {
      throw Refusal(
        .boxUnsuitable,
        "\(place) is a \(machine), and the \(program) in \(DisplayText.escaped(other.path)) is for \(other.machine)",
        hint: "build \(program) for \(machine), and give it with \(option) FILE")
    }
    throw Refusal(
      .toolMissing, "there is no \(program) for \(place)\(given.map { " in \(DisplayText.escaped($0))" } ?? "")",
      hint: "build it and put it beside fleet, or give it with \(option) FILE")
  }

  /// cksum(1)'s CRC and size, as `probe.sh` tells them of the other machine's files.
  func checksum() throws(Refusal) -> String {
    let output = try Subprocess.run(["cksum"], input: .file(path)).text
    return output.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
  }
}
