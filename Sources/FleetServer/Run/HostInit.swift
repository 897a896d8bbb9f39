import FleetProtocol
import Glibc

/// `fleet-server init`: makes the folder and all that stands in it. What a broken-off try left is used again.
struct HostInit {
  let home: Home
  let settings: HostSettings
  let account: Account
  let operatorName: OperatorName
  let operatorKey: PublicKey

  /// Throws `already-initialised` before anything is changed.
  func run() throws(Refusal) {
    try PortRangeRule.check(settings.ports, ephemeral: PortRangeRule.machinesEphemeral())
    if let objection = account.shellObjection { throw objection }
    guard access(home.settings, F_OK) != 0 else { throw alreadyInitialised }
    if account.uid == 0 { StandardError.write(RootWarning.text) }
    let home = try HomeFolder.make(home)
    guard let lock = try FileLock(path: home.runLock, wait: .zero) else {
      throw Refusal(.alreadyRunning, "another fleet-server works on \(home.path)", hint: "wait until it has ended")
    }
    defer { lock.release() }
    guard access(home.settings, F_OK) != 0 else { throw alreadyInitialised }

    let keyFile = try KeyFile(home: home, settings: settings, account: account)
    try keyFile.refuseForeign(operatorKey)
    if settings.sshdMode == .private { try SSHKeygen.makeHostKey(home.hostKey) }
    let loginLine = try LoginLine.text(home, settings)
    let registry = try Registry.create(home)
    // A broken-off try may have been given another key for the same operator.
    if try registry.operators().contains(where: { $0.name == operatorName && $0.key != operatorKey }) {
      _ = try registry.removeOperator(operatorName, by: .host, now_s: Int64(time(nil)))
    }
    _ = try registry.addOperator(operatorName, key: operatorKey, by: .host, now_s: Int64(time(nil)))
    try keyFile.update(from: registry)
    if settings.sshdMode == .private { try writeConfiguration(home) }
    try settings.write(home)
    report(home, loginLine: loginLine, keyFile: keyFile.path)
  }

  /// `run` writes it anew; here it is for whoever wants to read it first.
  private func writeConfiguration(_ home: Home) throws(Refusal) {
    let text = SSHDConfiguration.private(
      home: home, settings: settings, isRoot: account.uid == 0, hasPenalties: false, cores: Processors.count)
    try FileReplacement.write(text.utf8, to: home.sshdConfiguration, durable: true)
  }

  private var alreadyInitialised: Refusal {
    Refusal(
      .alreadyInitialised, "\(DisplayText.escaped(home.path, limit: 200)) holds a HostA already",
      hint: "start it with 'fleet-server run', or give another --home")
  }

  private func report(_ home: Home, loginLine: String, keyFile: String) {
    print(
      """
      HostA is ready in \(home.path).

      Start it, now and at each boot:
          fleet-server run
      """)
    if settings.sshdMode == .system {
      print(
        """
        The system's sshd lets devices in, by a block in \(keyFile).
        Ask an administrator to add what this prints, which closes what no key line can:
            fleet-server print-sshd-config
        """)
    }
    print(
      """
      On the laptop of operator \(operatorName):
          \(loginLine)
      """)
  }
}
