import ArgumentParser
import FleetProtocol

struct KnownHostsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "known-hosts", abstract: "Tell ssh a device's host keys: a KnownHostsCommand.",
    usage: "fleet known-hosts NAME %I %t %K %H",
    discussion: """
      'fleet ssh' and 'fleet config-ssh' use it. It prints the pinned keys as lines of a known_hosts file; where the device \
      shows another key it prints none, and says on standard error what is wrong and who can mend it. HostA is not asked.

      EXAMPLE, in ~/.ssh/config
        KnownHostsCommand /usr/local/bin/fleet known-hosts %n %I %t %K %H
      """)

  @Argument(parsing: .captureForPassthrough, help: "The device's name and what ssh tells.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  static func run(_ arguments: [String]) throws(Refusal) {
    if arguments.first == "--show" { return show(arguments.dropFirst()) }
    guard arguments.count == 5 else {
      throw Refusal(.usage, "this is for ssh's KnownHostsCommand", hint: configuration.usage)
    }
    let name = try FleetHostName(parsing: arguments[0])
    let pins = try LaptopContext(of: name).pins(of: name.device).content
    if arguments[1] == "HOSTNAME", let shown = ShownHostKey(type: arguments[2], base64: arguments[3]),
      let refusal = HostKeyRule.refusal(of: shown, pins: pins, device: name)
    {
      // With nothing printed ssh refuses by itself; had we printed the keys, it would raise its own alarm besides.
      return StandardStreams.show(refusal)
    }
    try StandardStreams.print(KnownHosts.text(name: DisplayText.escaped(arguments[4]), keys: pins.trusted))
  }

  /// Hands the key that the device shows to `fleet trust`, on the one stream that ssh leaves alone.
  private static func show(_ arguments: ArraySlice<String>) {
    guard arguments.count == 2, arguments.first != "NONE" else { return }
    StandardStreams.note(HostKeyLook.mark + arguments.joined(separator: " "))
  }
}
