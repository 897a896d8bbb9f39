import Foundation

/// The machine that `fleet init` makes HostA: an account with an ordinary sshd, cron and no systemd.
extension Lab {
  /// Where the account's ordinary sshd listens; its own HostA will be elsewhere.
  var hostLogin: String { "\(hostA.name)@127.0.0.1:\(ports.box(2))" }

  /// Starts the account's sshd. `cut` is the number of the session that loses its connection, 0 for none.
  @discardableResult func startHostLogin() throws -> Running {
    try makeOperatorKey()
    try write(Self.crontab, to: "bin/crontab", of: hostA, mode: 0o700)
    try write("#!/bin/sh\nexit 1\n", to: "bin/systemctl", of: hostA, mode: 0o700)
    try write(
      """
      #!/bin/sh
      n=$(($(cat ~/login/sessions 2>/dev/null || echo 0) + 1))
      echo "$n" >~/login/sessions
      if [ "$n" = "$(cat ~/login/cut 2>/dev/null)" ]; then kill -9 "$PPID"; exit 255; fi
      exec sh -c "$SSH_ORIGINAL_COMMAND"

      """.replacing("~/", with: hostA.home.path + "/"), to: "login/session", of: hostA, mode: 0o700)
    try succeed(
      hostA, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostA.home.appending(path: "login/host_key").path])
    let key = try String(contentsOf: operatorKey.appendingPathExtension("pub"), encoding: .utf8)
    try write(key, to: "login/authorized_keys", of: hostA)
    let configuration = try write(
      """
      Port \(ports.box(2))
      ListenAddress 127.0.0.1
      HostKey ~/login/host_key
      AuthorizedKeysFile ~/login/authorized_keys
      PidFile none
      UsePAM no
      StrictModes no
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      SetEnv HOME=~ PATH=~/bin:/usr/bin:/bin
      ForceCommand ~/login/session

      """.replacing("~", with: hostA.home.path), to: "login/sshd_config", of: hostA)
    let sshd = try start(hostA, ["/usr/sbin/sshd", "-D", "-e", "-f", configuration.path])
    try eventually("the account's sshd listens", within: 15) { sshd.error.contains("Server listening") }
    let scanned = try succeed(laptop, ["ssh-keyscan", "-p", "\(ports.box(2))", "127.0.0.1"])
    try write(scanned, to: ".ssh/known_hosts", of: laptop)
    return sshd
  }

  /// Has the n-th session from now on lose its connection; 0 lets all of them end well.
  func cutHostLogin(session n: Int) throws {
    try write("\(n)\n", to: "login/cut", of: hostA)
    try write("0\n", to: "login/sessions", of: hostA)
  }

  func fleetInit(_ options: String...) throws -> Outcome {
    try run(
      laptop,
      [
        "fleet", "init", hostLogin, "--listen", "127.0.0.1:\(ports.hostA)", "--ports",
        "\(ports.leases.lowerBound)-\(ports.leases.upperBound)", "--operator", "anna",
      ] + options, within: 180)
  }

  /// Runs the server's `install.sh` by hand, for the account alone.
  @discardableResult func hostInstallScript(_ options: String...) throws -> Outcome {
    let script = Programs.folder.deletingLastPathComponent().appending(path: "share/fleet/server/install.sh")
    return try run(
      hostA, ["sh", script.path, "--user"] + options,
      environment: ["PATH": "\(hostA.home.path)/bin:/usr/local/bin:/usr/bin:/bin"])
  }

  /// The processes of HostA's `fleet-server run`.
  func hostRuns() throws -> [String] {
    let binary = hostA.home.appending(path: ".local/bin/fleet-server").path
    return try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { entry in
      guard Int(entry) != nil, let line = try? String(contentsOfFile: "/proc/\(entry)/cmdline", encoding: .utf8) else {
        return false
      }
      return line.hasPrefix("\(binary)\0run\0")
    }
  }

  /// A crontab(1) that keeps the table in the account's home.
  static let crontab = """
    #!/bin/sh
    case "${1:-}" in
    -l) cat ~/crontab 2>/dev/null || { echo "no crontab" >&2; exit 1; } ;;
    -r) rm -f ~/crontab ;;
    -) cat >~/crontab ;;
    esac

    """
}
