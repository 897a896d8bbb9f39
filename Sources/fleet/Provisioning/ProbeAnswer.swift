import FleetProtocol

/// What a `probe.sh` tells about the machine that it ran on: lines of `name=value`.
struct ProbeAnswer: Hashable {
  /// How a person calls the machine, such as `the box`.
  private let place: String
  private let values: [Substring: String]

  /// Passes over what stands before the first line, such as a greeting of the login shell.
  ///
  /// - `login`: what stands for the machine in an ssh command line.
  /// - `program`: what is to run there, and needs Linux.
  ///
  /// Throws `box-unsuitable`.
  init(parsing output: String, from place: String, login: String, program: String) throws(Refusal) {
    let lines = output.split(whereSeparator: \.isNewline)
    guard let start = lines.firstIndex(of: "fleet-probe=1") else {
      throw Refusal(
        .boxUnsuitable, "\(place) does not run a POSIX shell script as it should",
        hint: "see whether 'ssh \(login) sh -c id' works and prints nothing else")
    }
    var values: [Substring: String] = [:]
    for line in lines[start...] {
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[line[..<equals]] = String(line[line.index(after: equals)...])
    }
    self.place = place
    self.values = values
    guard self["system"] == "Linux" else {
      throw Refusal(
        .boxUnsuitable, "\(place) runs \(DisplayText.escaped(self["system"], limit: 40)), and \(program) needs Linux")
    }
  }

  /// Empty where the probe did not say.
  subscript(name: Substring) -> String { values[name] ?? "" }

  /// Throws `box-unsuitable` for what is no plain absolute path.
  func path(_ name: Substring) throws(Refusal) -> String {
    let path = self[name]
    guard path.hasPrefix("/"), path.utf8.count < 1024, DisplayText.escaped(path) == path else {
      throw Refusal(.boxUnsuitable, "the account on \(place) has no usable home folder")
    }
    return path
  }
}
