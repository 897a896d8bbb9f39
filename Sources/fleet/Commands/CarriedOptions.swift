import ArgumentParser
import FleetProtocol

/// Where the files of boxes that are not here go, and what is in them.
struct CarriedOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The archive to write for a box that is not here.", valueName: "file"))
  var bundle: String?

  @Option(
    help: ArgumentHelp(
      "The mounted boot or root partition of an SD card or an image, to write the same into.", valueName: "mountpoint"))
  var image: String?

  @Option(help: ArgumentHelp("The port of the box's own sshd; by default the one of --to, or 22.", valueName: "port"))
  var sshdPort: String?

  @Option(
    help: ArgumentHelp("The fleet-agent program for the box; by default the one beside fleet.", valueName: "file"))
  var agent: String?

  var isGiven: Bool { bundle != nil || image != nil }

  /// Throws `usage` unless there is exactly one, and what is wrong with an image.
  func place(_ files: DeviceFiles, isShell: Bool = false) throws(Refusal) -> any BundlePlace {
    switch (bundle, image) {
    case (let bundle?, nil) where !bundle.isEmpty: return BundleFile(path: bundle)
    case (nil, let image?) where !image.isEmpty && !isShell:
      return try MountedImage(image, files: files, isAgentGiven: agent != nil)
    default:
      let message = isShell ? "--shell goes with --bundle" : "say either --bundle or --image"
      throw Refusal(.usage, message, hint: "--bundle FILE.tar" + (isShell ? "" : ", or --image MOUNTPOINT"))
    }
  }

  /// The port of the box's own sshd, where a bench connection says nothing of it.
  func port() throws(Refusal) -> TCPPort { try givenPort() ?? TCPPort(22)! }

  /// `nil` where the person says nothing of it.
  func givenPort() throws(Refusal) -> TCPPort? {
    guard let sshdPort else { return nil }
    guard let port = TCPPort(parsing: sshdPort) else {
      throw Refusal(.usage, "'\(DisplayText.escaped(sshdPort, limit: 40))' is not a port", hint: "1 to 65535")
    }
    return port
  }

  /// The account that people log in to, by default the person's own name.
  static func login(_ user: String?) throws(Refusal) -> LoginName {
    guard let name = user ?? LaptopEnvironment.loginName else {
      throw Refusal(.usage, "which account do people log in to on the box?", hint: "give it with --user")
    }
    return try LoginName(validating: name)
  }
}
