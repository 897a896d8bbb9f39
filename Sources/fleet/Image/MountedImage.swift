import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A mounted partition of an SD card or a disk. The device's files wait in one folder of it until the box is booted;
/// then they are installed as a bundle is, by the box itself: nothing of the image has to run here.
struct MountedImage: BundlePlace {
  private let root: String
  private let layout: ImageLayout
  private let facts: ImageLayout.Facts
  private let deviceFiles: DeviceFiles
  let machine: String?

  private var folder: String { "\(root)/\(layout.folder)" }
  private var userData: String { "\(root)/user-data" }
  private var unit: String { "\(root)/etc/systemd/system/\(DeviceFiles.firstBootUnit)" }
  private var wants: String { "\(root)/etc/systemd/system/multi-user.target.wants" }
  private var unitLink: String { "\(wants)/\(DeviceFiles.firstBootUnit)" }

  /// - Parameter isAgentGiven: whether the person has chosen the agent, who then knows better than a guess.
  init(_ mountpoint: String, files: DeviceFiles, isAgentGiven: Bool) throws(Refusal) {
    var root = mountpoint
    while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
    deviceFiles = files
    facts = Self.facts(root)
    layout = try ImageLayout(facts, mountpoint: mountpoint)
    switch layout {
    case .rootFileSystem: machine = Self.machine(root)
    case .bootPartition:
      let config = String(decoding: (try? FileStore.content(of: "\(root)/config.txt")) ?? [], as: UTF8.self)
      machine = isAgentGiven ? nil : ImageLayout.raspberryPiMachine(facts, config: config)
    }
  }

  private static func facts(_ root: String) -> ImageLayout.Facts {
    var facts = ImageLayout.Facts()
    facts.isFolder = FileStore.isFolder(root)
    let running = ["/", "/boot", "/boot/firmware", "/boot/efi", "/etc", "/usr", "/var", "/home"]
    facts.isRunningSystem = running.contains { FileStore.identity(of: $0) == FileStore.identity(of: root) }
    for name in ImageLayout.names {
      var information = stat()
      guard lstat("\(root)/\(name)", &information) == 0 else { continue }
      switch information.st_mode & S_IFMT {
      case S_IFDIR: facts.folders.insert(name)
      case S_IFREG: facts.files.insert(name)
      default: break
      }
    }
    return facts
  }

  private static func machine(_ root: String) -> String? {
    let heads = ImageLayout.programs.lazy.compactMap { program -> String? in
      var information = stat()
      let path = "\(root)/\(program)"
      guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
      return (try? FileStore.head(of: path, count: 20)).flatMap { ELFMachine.name(inHead: $0) }
    }
    return heads.first
  }

  var step: ProvisionStep { .writeImage }

  /// Which device waits there for the first boot.
  private var present: AgentConfiguration? {
    (try? FileStore.content(of: "\(folder)/agent.json")).flatMap { try? AgentConfiguration(parsing: $0) }
  }

  func presentKey(of device: DeviceName) throws(Refusal) -> [UInt8]? {
    guard let present, present.name == device, !present.keyFile.contains("/") else { return nil }
    return try FileStore.content(of: "\(folder)/\(present.keyFile)")
  }

  func check() throws(Refusal) {
    for name in layout.writtenFolders(facts) {
      let path = name.isEmpty ? root : "\(root)/\(name)"
      guard access(path, W_OK) == 0 else {
        let error = errno
        throw Refusal(
          .ioFailed, "cannot write to \(DisplayText.escaped(path)): \(String(cString: strerror(error)))",
          hint: error == EROFS
            ? "mount the card so that it can be written"
            : "as root, with this account's login: sudo --preserve-env=HOME,SSH_AUTH_SOCK fleet ...")
      }
    }
    if layout == .bootPartition { _ = try extendedUserData() }
  }

  func place(_ bundle: DeviceBundle) throws(Refusal) -> String {
    if let present, DeviceBundle.folderName(present.name) != bundle.folderName {
      throw Refusal(
        .stepFailed, "the image is \(present.name) already, which was not booted from it yet",
        hint: "use another image, or remove \(DisplayText.escaped(folder)) from it")
    }
    let wasThere = FileStore.exists(folder)
    do throws(Refusal) {
      try placeFolder(bundle)
      // Last: before it is there, nothing that was written has any effect.
      switch layout {
      case .bootPartition: try FileStore.replace(userData, with: try extendedUserData())
      case .rootFileSystem: try enableUnit()
      }
    } catch {
      if !wasThere { removeFolder(folder) }
      throw error
    }
    sync()
    return DisplayText.escaped(folder)
  }

  func nextStep(_ bundle: String) -> String {
    "unmount \(DisplayText.escaped(root)) and boot the box from it: it installs the agent by itself"
  }

  private func extendedUserData() throws(Refusal) -> [UInt8] {
    try CloudInitUserData.extended(
      try FileStore.content(of: userData) ?? [], script: try deviceFiles.content(of: DeviceFiles.cloudInitScript))
  }

  /// Writes the folder beside its place, and then gives it its name.
  private func placeFolder(_ bundle: DeviceBundle) throws(Refusal) {
    let new = "\(folder).new"
    let old = "\(folder).old"
    removeFolder(new)
    removeFolder(old)
    do throws(Refusal) {
      var files = bundle.files
      files[DeviceFiles.firstBoot] = try deviceFiles.content(of: DeviceFiles.firstBoot)
      for (name, bytes) in files {
        try FileStore.replace("\(new)/\(name)", with: bytes)
        // A boot partition's file system knows no modes; first-boot.sh sees to that.
        chmod("\(new)/\(name)", mode_t(DeviceBundle.mode(of: name)))
      }
      rename(folder, old)
      guard rename(new, folder) == 0 else { throw .system("cannot write \(DisplayText.escaped(folder))") }
      removeFolder(old)
    } catch {
      removeFolder(new)
      rename(old, folder)
      throw error
    }
  }

  private func enableUnit() throws(Refusal) {
    let hadWants = FileStore.exists(wants)
    do throws(Refusal) {
      try FileStore.replace(unit, with: try deviceFiles.content(of: DeviceFiles.firstBootUnit))
      chmod(unit, 0o644)
      if !hadWants {
        try FileStore.makeFolder(wants)
        chmod(wants, 0o755)
      }
      guard symlink("/etc/systemd/system/\(DeviceFiles.firstBootUnit)", unitLink) == 0 || errno == EEXIST else {
        throw .system("cannot write \(DisplayText.escaped(unitLink))")
      }
    } catch {
      unlink(unit)
      if !hadWants { rmdir(wants) }
      throw error
    }
  }

  /// Removes one of our folders, which hold files only.
  private func removeFolder(_ path: String) { FileStore.remove(files: FileStore.names(in: path), in: path) }
}
