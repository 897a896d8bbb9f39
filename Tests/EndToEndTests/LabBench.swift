import Foundation

/// The box on the bench.
extension Lab {
  /// The bench box has cron and no systemd: its `crontab` keeps the table in a file, its `systemctl` never answers.
  @discardableResult func startBenchBox() throws -> Running {
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
    let sshd = try startBoxSSHD()
    try meetBox()
    return sshd
  }

  /// The person knows the box: its key stands in the laptop's own known_hosts.
  func meetBox() throws {
    let scanned = try succeed(laptop, ["ssh-keyscan", "-p", "\(ports.box(0))", "127.0.0.1"])
    try write(scanned, to: ".ssh/known_hosts", of: laptop)
  }

  func provisionTo(_ name: String) throws -> Outcome {
    try fleet("provision", name, "--to", "\(box.name)@127.0.0.1:\(ports.box(0))", within: 120)
  }

  /// Takes the agent off the box again, as a person would.
  func uninstall() {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../provisioning/device/install.sh")
    let text = (try? String(contentsOf: script, encoding: .utf8)) ?? ""
    do {
      try succeed(
        box, ["sh", "-s", "--", "--uninstall"], input: text,
        environment: ["PATH": "\(box.home.path)/bin:/usr/local/bin:/usr/bin:/bin"])
    } catch {
      print(error)
    }
  }
}
