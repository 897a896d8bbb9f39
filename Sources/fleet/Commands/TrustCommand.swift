import ArgumentParser
import FleetProtocol

struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Compare a device's host keys, and accept one that has changed.",
    usage: "fleet trust NAME [--accept SHA256:...]",
    discussion: """
      Without --accept it shows the keys that are recorded on HostA, those that this laptop has accepted, and those that \
      the device shows now. Its status is 1 where they do not fit together.

      With --accept the key with that fingerprint is accepted. One that HostA has recorded, because somebody set the box \
      up anew or replaced it, is accepted for this laptop. One that only the device shows is recorded on HostA besides, \
      for everybody, which needs an admin: compare it first with what 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' \
      says on the box itself, and not through a connection that may lead elsewhere.

      EXAMPLE
        fleet trust kitchen-pi
        fleet trust kitchen-pi --accept SHA256:Hy++u8PveoWXJh+/sm9AP1BntpvxZBhHL1vyZ7PZwm0
      """)

  @Argument(help: "The device's name.")
  var name: String?

  @Option(help: ArgumentHelp("The fingerprint of the key to accept.", valueName: "SHA256:..."))
  var accept: String?

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let place = try FleetHostName(parsing: name)
    if let accept, !HostKeyScan.isFingerprint(accept) {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(accept, limit: 80))' is not a fingerprint",
        hint: "'fleet trust \(place)' shows them: SHA256: and 43 characters")
    }
    let context = try LaptopContext(of: place)
    let trust = HostKeyTrust(place: place, context: context)
    if let accept { try StandardStreams.note(trust.accept(accept)) } else { try trust.show() }
  }
}
