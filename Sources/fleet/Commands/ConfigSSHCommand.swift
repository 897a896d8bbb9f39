import ArgumentParser
import FleetProtocol

struct ConfigSSHCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config-ssh", abstract: "Let ssh, scp, rsync, git, Ansible and editors reach devices as NAME.fleet.",
    usage: "fleet config-ssh [--print | --dry-run | --remove]",
    discussion: """
      Writes a private file with one 'Host *.fleet' block, and includes it by the first line of ~/.ssh/config; every \
      other byte there stays. Run it again after fleet has moved. The device's host key is checked as 'fleet ssh' does \
      it, and nobody is asked. Without USER@ the account is the device's own. NAME.HOSTA.fleet is a device of another \
      HostA than the one that is used when none is named.

      EXAMPLE
        fleet config-ssh --dry-run
        fleet config-ssh
        ssh kitchen-pi.fleet
        rsync -a site/ kitchen-pi.fleet:/var/www/
      """)

  @Flag(name: .customLong("print"), help: "Print the block, and change nothing.")
  var isPrinted = false

  @Flag(help: "Show what would change, and change nothing.")
  var dryRun = false

  @Flag(help: "Take all of it out again; with --dry-run, show that.")
  var remove = false

  func run() throws {
    guard !isPrinted || !(dryRun || remove) else {
      throw Refusal(.usage, "--print goes alone", hint: Self.configuration.usage)
    }
    let setup = try PlainSSHSetup()
    if isPrinted { return try StandardStreams.print(setup.text) }
    let file = DisplayText.escaped(try setup.personsFile)
    if dryRun {
      let changes = try remove ? setup.removal() : setup.installation()
      guard changes.contains(where: \.isOne) else { return StandardStreams.note("nothing would change") }
      return try StandardStreams.print(changes.map(\.difference).joined())
    }
    if remove {
      let note =
        try setup.remove() ? "NAME.fleet is no host for ssh any more; \(file) is as it was" : "nothing to remove"
      return StandardStreams.note(note)
    }
    let note = try setup.install() ? "wrote" : "as before:"
    StandardStreams.note(
      "\(note) \(DisplayText.escaped(setup.paths.sshConfiguration)), included by the first line of \(file)\n"
        + "now: ssh NAME.fleet")
    if let home = LaptopEnvironment.accountHome, "\(home)/.ssh" != setup.sshFolder {
      StandardStreams.note(
        "HOME is not this account's home folder, where ssh looks for its configuration: use ssh -F \(file)")
    }
  }
}
