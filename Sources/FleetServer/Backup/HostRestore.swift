import FleetProtocol
import Glibc

/// `fleet-server restore FILE`: makes this account the HostA that the backup was made of.
///
/// Where a key file stands already, whoever is in it stays in and whoever is not stays out (`RestoreRule`). A `run`
/// may go on meanwhile: it notices that another file is the registry. A restore that was killed is done by the next one.
struct HostRestore {
  let backup: Backup
  let account: Account

  struct Outcome {
    var home: Home
    /// Whether there was no HostA before.
    var isNew: Bool
    var steps: [RestoreRule.Step]
  }

  /// Throws `home-unusable` where it would lock devices out, and what reading and writing the files throws.
  func run(into home: Home) throws(Refusal) -> Outcome {
    guard backup.settings.account == account.name else {
      throw Refusal(
        .homeUnusable, "devices log in to HostA as \(backup.settings.account), and this account is \(account.name)",
        hint: "run the restore as an account of that name")
    }
    if let objection = account.shellObjection { throw objection }
    let home = try HomeFolder.make(home)
    try requireSameHost(home)
    let isNew = access(home.settings, F_OK) != 0
    let settings = (try? HostSettings.read(home)) ?? backup.settings
    // An `init` or a `run` that begins now would use half of it.
    let runLock = isNew ? try FileLock(path: home.runLock, wait: .zero) : nil
    guard runLock != nil || !isNew else {
      throw Refusal(.alreadyRunning, "another fleet-server works on \(home.path)", hint: "wait until it has ended")
    }
    defer { runLock?.release() }
    guard let lock = try FileLock(path: home.registryLock, wait: .seconds(30)) else {
      throw Refusal(.registryBusy, "another process is changing the registry's file", hint: "try again in a minute")
    }
    defer { lock.release() }
    let keyFile = try KeyFile(home: home, settings: settings, account: account)
    let replacement = try RegistryReplacement(home)
    defer { replacement.release() }
    // From here to the end the key file is what it is now, and nothing that follows from an older registry.
    let keyFileLock = try keyFile.lock()
    defer { keyFileLock.release() }

    let present = try FileReading.bytes(of: keyFile.path) ?? []
    let beside = home.registry + ".restored"
    let steps = try prepare(beside, for: try KeyFileEntries(parsingFile: present), home)
    for (file, content) in backup.hostKeys where access(file.path(home), F_OK) != 0 {
      try FileReplacement.write(content.utf8, to: file.path(home), durable: true)
    }
    try replacement.put(beside)
    try keyFile.write(from: try Registry(path: home.registry))
    if (try? HostSettings.read(home)) == nil { try settings.write(home) }
    return Outcome(home: home, isNew: isNew, steps: steps)
  }

  /// Whoever pinned the key that is here would be locked out by another one.
  private func requireSameHost(_ home: Home) throws(Refusal) {
    guard let present = try FileReading.bytes(of: home.hostKey, limit: 1 << 20), let own = backup.hostKeys[.hostKey],
      !present.elementsEqual(own.utf8)
    else { return }
    throw Refusal(
      .homeUnusable, "\(home.path) holds another HostA than the backup, with a key of its own",
      hint: "give another --home DIR")
  }

  /// Writes the registry as it will be, beside the one that is there.
  private func prepare(_ path: String, for present: KeyFileEntries?, _ home: Home) throws(Refusal)
    -> [RestoreRule.Step]
  {
    RegistryReplacement.remove(path)
    guard try FileLock(path: path, wait: .zero) != nil else { throw .systemCall("\(path) cannot be made") }
    try backup.copyRegistry(to: path)
    let registry = try Registry(path: path)
    try registry.makeUsable(home)
    let now_s = Int64(time(nil))
    let (entries, names) = try registry.renderedEntries(now_s: now_s)
    let steps = present.map { RestoreRule.steps(from: entries, names: names, to: $0) } ?? []
    let users = Dictionary(grouping: try registry.listedDevices(), by: \.user).mapValues(\.count)
    let user = users.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? account.name
    try registry.apply(steps, backup: backup.made, user: user, now_s: now_s)
    try registry.close()
    return steps
  }
}
