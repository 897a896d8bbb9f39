import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Shows a long text a screen at a time.
enum Pager {
  /// Prints the text, on a terminal that it does not fit on through $PAGER. Throws `io-failed`.
  static func print(_ text: String, isWanted: Bool = true) throws(Refusal) {
    let screen = LaptopEnvironment.isTerminal(STDOUT_FILENO) ? LaptopEnvironment.terminalSize() : nil
    let lines = text.utf8.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    let choice = PagerChoice(
      lines: lines, screen: screen, pager: LaptopEnvironment.variable("PAGER"), isWanted: isWanted)
    let isShown =
      switch choice {
      case .none: false
      case .less: (try? show(text, by: ["less", "-FRX"])) ?? false
      case .command(let command): try show(text, by: ["sh", "-c", command])
      }
    if !isShown { try StandardStreams.print(text) }
  }

  /// Returns whether there was such a program. Throws `tool-missing` or `io-failed`.
  private static func show(_ text: String, by arguments: [String]) throws(Refusal) -> Bool {
    let (source, feed) = try Subprocess.makePipe()
    // What `less` does by itself where nobody has told it otherwise: colours are colours.
    setenv("LESS", "FRX", 0)
    let terminal = [Descriptor(dup(STDOUT_FILENO)), Descriptor(dup(STDERR_FILENO))]
    let process = try Subprocess.spawn(arguments, [0: source, 1: terminal[0], 2: terminal[1]])
    source.close()
    // Ctrl-C is the pager's: it would otherwise stay behind on the terminal without us.
    signal(SIGINT, SIG_IGN)
    defer { signal(SIGINT, SIG_DFL) }
    // Whoever has seen enough leaves before the end.
    try? feed.write(text.utf8)
    feed.close()
    return Subprocess.wait(for: process) != 127
  }
}
