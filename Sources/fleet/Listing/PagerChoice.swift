/// Whether a text is shown through a pager, and through which.
enum PagerChoice: Hashable {
  case none
  /// `less`, told to end by itself where the text fits, to show colours, and to leave the text on the screen.
  case less
  /// What the person wants instead, for a shell.
  case command(String)

  /// `screen` is `nil` where standard output is no terminal, `pager` what $PAGER says.
  init(lines: Int, screen: TerminalSize?, pager: String?, isWanted: Bool) {
    // The next prompt takes a line, too.
    guard isWanted, let screen, lines >= screen.rows else {
      self = .none
      return
    }
    switch pager {
    case nil: self = .less
    case "", "cat": self = .none
    case .some(let command): self = .command(command)
    }
  }
}
