import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Makes `NAME.fleet` a host for this account's ssh, and takes that away again.
struct PlainSSHSetup {
  let paths: FleetPaths
  /// The folder of ssh's own configuration, `~/.ssh`.
  let sshFolder: String
  let program: String

  init() throws(Refusal) {
    paths = try LaptopEnvironment.paths()
    sshFolder = "\(try LaptopEnvironment.home())/.ssh"
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    self.program = program
    try PlainSSHConfiguration.check(path: program)
    try PlainSSHConfiguration.check(path: paths.sshConfiguration)
  }

  /// The person's own configuration, a link followed. Throws `io-failed` for a link that leads nowhere.
  var personsFile: String {
    get throws(Refusal) {
      let path = "\(sshFolder)/config"
      guard let target = Platform.realPath(path) else {
        guard FileStore.isLink(path) else { return path }
        throw Refusal(.ioFailed, "\(DisplayText.escaped(path)) is a link that leads nowhere", hint: "mend it first")
      }
      return target
    }
  }

  /// The block as it is, or would be.
  var text: String { get throws(Refusal) { try configuration().text } }

  /// What has to change so that ssh knows the devices: the private file first, then the one line that includes it.
  func installation() throws(Refusal) -> [FileChange] {
    let file = try personsFile
    let block = paths.sshConfiguration
    let old = try FileStore.content(of: file)
    return [
      FileChange(
        path: block, old: try FileStore.content(of: block), new: Array(try configuration().text.utf8)),
      FileChange(path: file, old: old, new: IncludeLine(path: block).adding(to: old ?? [])),
    ]
  }

  /// What has to change so that nothing of it is left.
  func removal() throws(Refusal) -> [FileChange] {
    let file = try personsFile
    let block = paths.sshConfiguration
    let (old, text) = (try FileStore.content(of: file), try FileStore.content(of: block))
    let rest = old.map { IncludeLine(path: block).removing(from: $0) }
    let wasMade = PlainSSHConfiguration.made(in: String(decoding: text ?? [], as: UTF8.self)).contains(file)
    return [
      FileChange(path: file, old: old, new: rest == [] && wasMade ? nil : rest),
      FileChange(path: block, old: text, new: nil),
    ]
  }

  /// Throws `configuration-invalid` when this laptop's ssh does not know what the block says, and then nothing is changed.
  func install() throws(Refusal) -> Bool {
    let changes = try installation()
    try apply(changes[0])
    let outcome = try Subprocess.run(["ssh", "-G", "-F", changes[0].path, "localhost"])
    guard outcome.status == 0 else {
      try apply(FileChange(path: changes[0].path, old: changes[0].new, new: changes[0].old))
      throw Refusal(
        .configurationInvalid,
        "this laptop's ssh does not understand the block: \(LastLine.of(outcome.errorText) ?? "no reason given")",
        hint: "it must be OpenSSH 8.5 or newer")
    }
    try apply(changes[1])
    return changes.contains(where: \.isOne)
  }

  func remove() throws(Refusal) -> Bool {
    let changes = try removal()
    let made = PlainSSHConfiguration.made(in: String(decoding: changes[1].old ?? [], as: UTF8.self))
    for change in changes { try apply(change) }
    LoginBookFile(path: paths.sshLogins).remove()
    // Only an empty one goes.
    if made.contains(sshFolder) { rmdir(sshFolder) }
    return changes.contains(where: \.isOne)
  }

  private func configuration() throws(Refusal) -> PlainSSHConfiguration {
    let present = try FileStore.content(of: paths.sshConfiguration) ?? []
    var made = PlainSSHConfiguration.made(in: String(decoding: present, as: UTF8.self))
    if made.isEmpty, present.isEmpty {
      made = [sshFolder, try personsFile].filter { !FileStore.exists($0) }
    }
    return PlainSSHConfiguration(program: program, logins: paths.sshLogins, made: made)
  }

  private func apply(_ change: FileChange) throws(Refusal) {
    guard change.isOne else { return }
    guard let new = change.new else {
      unlink(change.path)
      return
    }
    try FileStore.replace(change.path, with: new, mode: FileStore.mode(of: change.path) ?? 0o600)
  }
}
