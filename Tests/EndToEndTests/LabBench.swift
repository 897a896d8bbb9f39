import Foundation

/// The box on the bench.
extension Lab {
  /// The bench box has cron and no systemd: its `crontab` keeps the table in a file, its `systemctl` never answers.
  @discardableResult func startBenchBox(extra: String = "", as account: Account? = nil) throws -> Running {
    try writeBenchTools()
    let sshd = try startBoxSSHD(extra: extra, as: account)
    try meetBox()
    return sshd
  }

  private func writeBenchTools() throws {
    try write(
      """
      #!/bin/sh
      case "${1:-}" in
      -l) cat ~/crontab 2>/dev/null || { echo "no crontab" >&2; exit 1; } ;;
      -r) rm -f ~/crontab ;;
      -) cat >~/crontab ;;
      *) cat "$1" >~/crontab ;;
      esac

      """, to: "bin/crontab", of: box, mode: 0o700)
    try write("#!/bin/sh\nexit 1\n", to: "bin/systemctl", of: box, mode: 0o700)
  }

  /// The bench box, whose connection breaks while the command runs whose number stands in `cut-at`: only the beginning of
  /// its input has come, and nobody reads more than the beginning of its output.
  func startCuttingBox() throws {
    let cut = try write(
      """
      #!/bin/sh
      count=$(($(cat ~/count 2>/dev/null || echo 0) + 1))
      echo $count >~/count
      [ "$count" = "$(cat ~/cut-at 2>/dev/null)" ] || exec sh -c "$SSH_ORIGINAL_COMMAND"
      head -c 1000 | sh -c "$SSH_ORIGINAL_COMMAND" 2>/dev/null | head -n 3 >/dev/null
      session=$PPID
      while ! grep -q '^sshd' /proc/$session/comm; do session=$(cut -d ' ' -f 4 /proc/$session/stat); done
      kill -9 $session

      """, to: "bin/cut-connection", of: box, mode: 0o700)
    try startBenchBox(extra: "ForceCommand \(cut.path)")
  }

  /// The commands on the box are counted anew; the `number`-th breaks the connection, `nil` for none.
  func cutConnection(at number: Int?) throws {
    try write("0\n", to: "count", of: box)
    try write(number.map { "\($0)\n" } ?? "", to: "cut-at", of: box)
  }

  /// How many commands have run on the box.
  func commandsOnBox() throws -> Int {
    Int(try succeed(box, ["cat", "count"]).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }

  /// What cron runs every minute on the box.
  func cronLine() throws -> String? {
    let table = try String(contentsOf: box.home.appending(path: "crontab"), encoding: .utf8)
    let line = table.split(separator: "\n").first { $0.hasPrefix("* * * * * ") }
    return line.map { String($0.dropFirst("* * * * * ".count)).replacing("\\%", with: "%") }
  }

  /// The processes that run the agent that is installed on the box.
  func agents() throws -> [pid_t] {
    let program = box.home.appending(path: ".local/bin/fleet-agent").path
    return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/exe")) == program
    }
  }

  /// Every file and folder in the box's home that provisioning could make or change.
  func boxFiles() throws -> String {
    try succeed(box, ["sh", "-c", "find . -newermt 1970-01-02 ! -path './sshd-*' -printf '%p %m %s %T@\\n' | sort"])
  }

  /// The person knows the box: its key stands in the laptop's own known_hosts.
  func meetBox() throws {
    let scanned = try succeed(laptop, ["ssh-keyscan", "-p", "\(ports.box(0))", "127.0.0.1"])
    try write(scanned, to: ".ssh/known_hosts", of: laptop)
  }

  func provisionTo(_ name: String, _ options: String...) throws -> Outcome {
    try run(
      laptop, ["fleet", "provision", name, "--to", "\(box.name)@127.0.0.1:\(ports.box(0))"] + options, within: 120)
  }

  /// The bench box with a disk of 2 MiB in each of these folders. It needs root.
  func startBenchBoxOnSmallDisks(_ folders: [String]) throws -> Running {
    var account = box
    account.smallDisks = folders
    return try startBenchBox(as: account)
  }

  /// Runs something as root where it sees what `process` sees.
  @discardableResult func succeed(inMountsOf process: Running, _ arguments: [String], input: String = "") throws
    -> String
  {
    let root = Account(name: "root", home: folder, uid: nil, passwd: box.passwd)
    return try succeed(root, ["nsenter", "--mount", "--target", "\(process.pid)"] + arguments, input: input)
  }

  func makeRoom(in folder: String, mountsOf process: Running) throws {
    try succeed(inMountsOf: process, ["mount", "-o", "remount,size=400m", folder])
  }

  /// The files in a folder, as `process` sees it.
  func files(in folder: String, mountsOf process: Running) throws -> String {
    try succeed(inMountsOf: process, ["find", folder, "-type", "f"])
  }

  /// Takes the agent off the box, from among the mounts of a process of the box.
  func uninstall(inMountsOf process: Running) {
    guard let uid = box.uid else { return }
    do {
      try succeed(
        inMountsOf: process,
        ["setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", "env", "-i"]
          + box.environment([:]).map { "\($0.key)=\($0.value)" } + ["sh", "-s", "--", "--uninstall"],
        input: installScript)
    } catch {
      print(error)
    }
  }

  private var installScript: String {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../provisioning/device/install.sh")
    return (try? String(contentsOf: script, encoding: .utf8)) ?? ""
  }

  /// Takes the agent off the box again, as a person would.
  func uninstall() {
    do {
      try succeed(
        box, ["sh", "-s", "--", "--uninstall"], input: installScript,
        environment: ["PATH": "\(box.home.path)/bin:/usr/local/bin:/usr/bin:/bin"])
    } catch {
      print(error)
    }
  }
}
