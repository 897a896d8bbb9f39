import FleetProtocol

/// What `fleet exec` was asked for, once it is known to make sense.
struct ExecRequest: Hashable {
  enum Devices: Hashable {
    case selected(DeviceSelector)
    /// Those on which the last run did not succeed.
    case failedLastTime
    /// Those for which a queued command waits.
    case queued
  }

  let devices: Devices
  /// As the device's login shell takes it; `nil` for the command that was last run, and for queued ones.
  let command: String?
  /// How long HostA keeps it for devices that are offline; `nil` if it does not.
  let queueing: Lifetime?

  /// What stands on the command line of it.
  struct Words {
    var selector: [String] = []
    var command: [String] = []
    var all = false
    var retryFailed = false
    var resume = false
    var queue = false
    var expires: String?
    var wait = false
    var anyLaptop = false
    var stdin = false
  }

  /// Throws `usage`.
  init(_ words: Words) throws(Refusal) {
    func refuse(_ isWrong: Bool, _ message: String, hint: String) throws(Refusal) {
      if isWrong { throw Refusal(.usage, message, hint: hint) }
    }
    let usage = "fleet exec SELECTOR... -- COMMAND"
    let command = words.command.joined(separator: " ")
    let isBlank = command.allSatisfy(\.isWhitespace)
    try refuse(
      words.retryFailed && words.resume, "--retry-failed and --resume are about different devices",
      hint: "give one of them")
    if words.resume || words.retryFailed {
      try refuse(
        !words.selector.isEmpty || words.all, "which devices are meant is known already",
        hint: "\(words.resume ? "--resume" : "--retry-failed") takes neither a selector nor --all")
    }
    try refuse(
      words.resume && (!isBlank || words.queue || words.stdin), "--resume runs what was queued, as it was queued",
      hint: "fleet exec --resume [--wait]")
    try refuse(
      words.wait && !words.resume && !words.queue, "--wait waits for what was queued",
      hint: "give --queue or --resume besides")
    try refuse(
      words.anyLaptop && !words.resume, "--any-laptop is for --resume", hint: "fleet exec --resume --any-laptop")
    try refuse(words.expires != nil && !words.queue, "--expires is for --queue", hint: "\(usage), with --queue")
    try refuse(
      words.queue && words.stdin, "standard input is not kept for devices that are offline",
      hint: "give --queue or --stdin")
    try refuse(
      !words.resume && !words.retryFailed && isBlank, "which command?",
      hint: "\(usage): the command stands behind '--'")
    try refuse(
      command.utf8.contains(0) || command.utf8.count > LastExecution.longestCommand, "the command is too long",
      hint: "\(LastExecution.longestCommand) bytes are the most; copy a script with 'fleet cp' and run that")
    try refuse(
      words.queue && command.utf8.count > QueueBody.longestCommand, "the command is too long to be queued",
      hint: "\(QueueBody.longestCommand) bytes are the most; copy a script to the devices and queue its name")
    queueing = words.queue ? try Lifetime(parsing: words.expires ?? "7d") : nil
    try refuse(
      (queueing?.seconds ?? 0) > QueueBody.longestExpiry_s, "that is too long", hint: "a year is the longest --expires")
    if words.resume {
      (devices, self.command) = (.queued, nil)
    } else if words.retryFailed {
      (devices, self.command) = (.failedLastTime, isBlank ? nil : command)
    } else {
      try refuse(
        words.selector.isEmpty && !words.all, "which devices?", hint: "\(usage); --all means every device")
      try refuse(
        !words.selector.isEmpty && words.all, "--all means every device", hint: "give a selector or --all")
      (devices, self.command) = (.selected(try DeviceSelector(words.selector)), command)
    }
  }
}
