import FleetProtocol

/// What is mounted, and so how a device's files get into it.
enum ImageLayout: Hashable {
  /// A boot partition whose `user-data` cloud-init reads at the first boot.
  case bootPartition
  /// A root file system whose systemd starts what its units say.
  case rootFileSystem

  /// What is seen at the mountpoint.
  struct Facts: Hashable {
    var isFolder = true
    /// Whether it is a folder of the system that runs here.
    var isRunningSystem = false
    /// Which of `names` are there: folders as themselves, not through a link that may lead out of the image.
    var files: Set<String> = []
    var folders: Set<String> = []
  }

  /// What is looked for.
  static let names = [
    "user-data", "cmdline.txt", "config.txt", "kernel8.img", "etc", "usr", "etc/systemd", "etc/systemd/system",
    "etc/systemd/system/multi-user.target.wants", "usr/lib/systemd/systemd", "lib/systemd/systemd",
  ]

  /// Throws `step-failed` with what is wrong with the place.
  init(_ facts: Facts, mountpoint: String) throws(Refusal) {
    let place = DisplayText.escaped(mountpoint)
    guard facts.isFolder else {
      throw Refusal(
        .stepFailed, "\(place) is not a folder",
        hint: "mount a partition of the card and name its mountpoint, such as /media/me/bootfs")
    }
    guard !facts.isRunningSystem else {
      throw Refusal(
        .stepFailed, "\(place) belongs to the system that runs here, which is no image",
        hint: "name the mountpoint of the card; for this very machine use 'fleet provision NAME --bundle FILE'")
    }
    if facts.folders.isSuperset(of: ["etc", "usr"]) {
      guard facts.folders.isSuperset(of: ["etc/systemd", "etc/systemd/system"]),
        !facts.files.isDisjoint(with: ["usr/lib/systemd/systemd", "lib/systemd/systemd"])
      else {
        throw Refusal(
          .stepFailed, "the root file system in \(place) has no systemd to start the agent",
          hint: "make a bundle with --bundle, and run its install.sh on the box")
      }
      self = .rootFileSystem
    } else if facts.files.contains("user-data") {
      self = .bootPartition
    } else if !facts.files.isDisjoint(with: ["cmdline.txt", "config.txt"]) {
      throw Refusal(
        .stepFailed, "the boot partition in \(place) has no user-data, so cloud-init would not read it",
        hint: "mount the card's other partition, the root file system, and name that")
    } else {
      throw Refusal(
        .stepFailed, "\(place) is neither a root file system nor a boot partition with user-data",
        hint: "mount a partition of the card and name its mountpoint, such as /media/me/bootfs")
    }
  }

  /// Where the device's files wait for the first boot, below the mountpoint.
  var folder: String {
    switch self {
    case .bootPartition: "fleet-agent-first-boot"
    case .rootFileSystem: "etc/fleet-agent-first-boot"
    }
  }

  /// What must be writable, below the mountpoint.
  func writtenFolders(_ facts: Facts) -> [String] {
    switch self {
    case .bootPartition: [""]
    case .rootFileSystem:
      ["etc", "etc/systemd/system"]
        + ["etc/systemd/system/multi-user.target.wants"].filter(facts.folders.contains)
    }
  }

  /// Programs of a root file system whose heads tell the machine.
  static let programs = ["usr/bin/dash", "usr/bin/bash", "usr/bin/env", "bin/dash", "bin/bash", "bin/busybox"]

  /// The machine of a boot partition: a Raspberry Pi's, which says it by its kernel and its `config.txt`.
  static func raspberryPiMachine(_ facts: Facts, config: String) -> String? {
    guard facts.files.contains("config.txt") else { return nil }
    let is32Bit = config.split(whereSeparator: \.isNewline).contains {
      $0.filter { !$0.isWhitespace } == "arm_64bit=0"
    }
    return facts.files.contains("kernel8.img") && !is32Bit ? "aarch64" : "armv7l"
  }
}
