import ArgumentParser
import FleetProtocol

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make this account a HostA, with its first operator.",
    discussion: """
      Example:
        fleet-server init --address hosta.example \\
          --operator alice --operator-key alice.pub

      \(FleetServerCommand.exitStatuses)
      """)

  @Option(help: ArgumentHelp("The name or address under which devices and laptops reach HostA.", valueName: "host"))
  var address: String

  @Option(
    help: ArgumentHelp(
      "Where sshd listens. Default: 0.0.0.0:2222; with --sshd system only its port is used, by default 22.",
      valueName: "address:port"))
  var listen: String?

  @Option(help: ArgumentHelp("The ports that are leased to devices.", valueName: "first-last"))
  var ports: String = "20000-29999"

  @Option(help: ArgumentHelp("'private': an sshd of our own; 'system': the machine's.", valueName: "private|system"))
  var sshd: String = "private"

  @Option(help: ArgumentHelp("The first operator's name; an admin, let at every device.", valueName: "name"))
  var `operator`: String

  @Option(help: ArgumentHelp("The first operator's public key, a .pub file.", valueName: "file"))
  var operatorKey: String

  @OptionGroup var home: HomeOption

  func run() throws {
    guard HostAddress.isAddress(address) else {
      throw Refusal(.usage, "--address '\(DisplayText.escaped(address, limit: 60))' is not a host name or an address")
    }
    guard let mode = HostSettings.SSHDMode(rawValue: sshd) else {
      throw Refusal(.usage, "--sshd '\(DisplayText.escaped(sshd, limit: 60))' is neither 'private' nor 'system'")
    }
    let place = listen ?? (mode == .private ? "0.0.0.0:2222" : "0.0.0.0:22")
    guard let listen = ListenAddress(parsing: place) else {
      throw Refusal(
        .usage, "--listen '\(DisplayText.escaped(place, limit: 60))' is not an address and a port",
        hint: "write it like 0.0.0.0:2222 or [::]:2222")
    }
    guard let ports = PortRange(parsing: ports) else {
      throw Refusal(
        .usage, "--ports '\(DisplayText.escaped(ports, limit: 60))' is not a range of ports",
        hint: "write it like 20000-29999")
    }
    let account = try Account.current()
    try HostInit(
      home: try home.home(),
      settings: HostSettings(
        address: address, listen: listen, ports: ports, sshdMode: mode, account: account.name),
      account: account, operatorName: try OperatorName(validatingNew: `operator`),
      operatorKey: try PublicKey(file: operatorKey)
    ).run()
  }
}

extension OperatorName {
  /// A name that a new operator may have: one that no command line can mistake for a command. Throws `name-invalid`.
  init(validatingNew text: String) throws(Refusal) {
    try self.init(validating: text)
    if ForcedCommandLine.reservedOperatorNames.contains(text) {
      throw Refusal(
        .nameInvalid, "'\(text)' is a command and cannot be an operator's name", hint: "choose another name")
    }
  }
}

extension PublicKey {
  /// Reads a `.pub` file. Throws `key-invalid`, and `io-failed` when it cannot be read.
  init(file: String) throws(Refusal) {
    guard let text = try FileReading.bytes(of: file, limit: 1 << 20) else {
      throw Refusal(
        .ioFailed, "there is no file '\(DisplayText.escaped(file, limit: 200))'",
        hint: "give the operator's public key, such as ~/.ssh/id_ed25519.pub")
    }
    try self.init(parsing: String(decoding: text.last == 0x0A ? text.dropLast() : text[...], as: UTF8.self))
  }
}
