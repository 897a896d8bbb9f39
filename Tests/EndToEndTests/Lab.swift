import Foundation
import Testing

/// HostA, boxes and a laptop on one machine, in a folder and on ports of their own. Closing it ends every process and
/// removes every file, and records an issue for a process that the programs themselves left behind.
final class Lab {
  let folder: URL
  let ports = PortBlock()
  var hostA: Account
  let box: Account
  let laptop: Account
  private var running: [Running] = []

  /// Runs `body` in a new lab and closes the lab afterwards, whatever happens. With `hosts`, each of the three runs in
  /// the network namespace of that name.
  static func with(
    hosts: (hostA: String, box: String, laptop: String)? = nil, _ body: (Lab) throws -> Void
  ) throws {
    let lab = try Lab(hosts: hosts)
    do {
      try body(lab)
    } catch {
      Issue.record("\(error)\n\(lab.story)")
    }
    lab.close()
  }

  private init(hosts: (hostA: String, box: String, laptop: String)?) throws {
    folder = Scratch.folder.appending(path: "lab-\(UUID().uuidString.prefix(8))")
    let files = FileManager.default
    try files.createDirectory(
      at: folder.appending(path: "logs"), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let passwd = folder.appending(path: "passwd")
    var text = try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
    var accounts: [Account] = []
    for (offset, role) in ["hosta", "pi", "laptop"].enumerated() {
      let home = folder.appending(path: role)
      try files.createDirectory(at: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      let runtime = home.appending(path: "run")
      try files.createDirectory(at: runtime, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      let namespace = hosts.map { [$0.hostA, $0.box, $0.laptop][offset] }
      if getuid() == 0 {
        let uid = ports.uids.lowerBound + uid_t(offset)
        text += "\(role):x:\(uid):\(uid)::\(home.path):/bin/sh\n"
        for path in [home.path, runtime.path] { chown(path, uid, uid) }
        accounts.append(Account(name: role, home: home, uid: uid, passwd: passwd, namespace: namespace))
      } else {
        accounts.append(Account(name: NSUserName(), home: home, uid: nil, passwd: passwd, namespace: namespace))
      }
    }
    try Data(text.utf8).write(to: passwd)
    hostA = accounts[0]
    box = accounts[1]
    laptop = accounts[2]
    if laptop.uid == nil { try keepSSHAwayFromThePersonsOwnFiles() }
  }

  /// ssh looks for its files in the home that the system knows for the account, whatever HOME says. Where the laptop is
  /// the person who runs the tests, an `ssh` in front of the real one names the lab's files instead.
  private func keepSSHAwayFromThePersonsOwnFiles() throws {
    let ssh = laptop.home.appending(path: ".ssh")
    try write(
      """
      UserKnownHostsFile "\(ssh.path)/known_hosts"
      IdentityFile "\(ssh.path)/id_ed25519"

      """, to: ".ssh/config", of: laptop)
    try write(
      """
      #!/bin/sh
      exec /usr/bin/ssh -F "\(ssh.path)/config" "$@"

      """, to: "bin/ssh", of: laptop, mode: 0o700)
  }

  // MARK: Running programs

  /// Starts a program that goes on; the lab ends it when it closes.
  @discardableResult func start(
    _ account: Account, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Running {
    let process = try Running(
      arguments, as: account, in: folder.appending(path: "logs"), input: Data(input.utf8), environment: environment)
    running.append(process)
    return process
  }

  /// Runs a program to its end.
  @discardableResult func run(
    _ account: Account, _ arguments: [String], input: String = "", environment: [String: String] = [:],
    within limit_s: Double = 60
  ) throws -> Outcome {
    let process = try Running(
      arguments, as: account, in: folder.appending(path: "logs"), input: Data(input.utf8), environment: environment)
    let status = process.wait(limit_s)
    if status == nil { process.stop() }
    return Outcome(status: status, output: process.output, error: process.error)
  }

  /// Runs a program that must succeed, and returns what it wrote to standard output.
  @discardableResult func succeed(
    _ account: Account, _ arguments: [String], input: String = "", environment: [String: String] = [:],
    within limit_s: Double = 60
  ) throws -> String {
    let outcome = try run(account, arguments, input: input, environment: environment, within: limit_s)
    guard outcome.status == 0 else { throw CommandFailed(arguments: arguments, outcome: outcome) }
    return outcome.output
  }

  /// Runs `fleet` on the laptop.
  @discardableResult func fleet(_ arguments: String..., input: String = "", within limit_s: Double = 60) throws
    -> Outcome
  {
    try run(laptop, ["fleet"] + arguments, input: input, within: limit_s)
  }

  /// Runs `fleet` on the laptop, which must succeed.
  @discardableResult func fleetSucceeds(_ arguments: String..., input: String = "", within limit_s: Double = 60) throws
    -> String
  {
    try succeed(laptop, ["fleet"] + arguments, input: input, within: limit_s)
  }

  /// Writes a file that belongs to the account.
  @discardableResult func write(_ text: String, to path: String, of account: Account, mode: mode_t = 0o600) throws
    -> URL
  {
    let file = account.home.appending(path: path)
    try succeed(
      account,
      [
        "sh", "-c", "mkdir -p \"$(dirname \"$1\")\" && cat >\"$1\" && chmod \(String(mode, radix: 8)) \"$1\"", "sh",
        file.path,
      ],
      input: text)
    return file
  }

  /// What every program that still runs, or ran to the end of the lab, has said on standard error.
  var story: String {
    running.map { "--- \($0.arguments.joined(separator: " ")):\n\($0.error.suffix(3000))" }
      .joined(separator: "\n")
  }

  /// The ssh in the background that keep connections for the next command, each with its socket in the lab's folder.
  var masters: [pid_t] {
    Self.processes(of: [laptop.uid ?? getuid()]).filter {
      $0.1.contains("\(folder.path)/") && $0.1.contains("/run/fleet/")
    }.map(\.0)
  }

  /// Whether this is the ssh that keeps the connection to HostA open for every command: it runs none itself.
  static func isSharedConnection(_ command: String) -> Bool {
    command.contains("/run/fleet/") && command.contains(" -N ")
  }

  /// Ends the connections that `fleet` keeps for its next command.
  func endMasters() { for pid in masters { kill(pid, SIGTERM) } }

  private func close() {
    endMasters()
    for process in running.reversed() { process.stop() }
    if hostA.uid != nil {
      let uids = Set(ports.uids)
      // What is ending needs a moment: a session's sshd ends after its client.
      try? eventually("no process is left", within: 30) { Self.processes(of: uids).isEmpty }
      for (pid, command) in Self.processes(of: uids) {
        Issue.record("left behind: \(pid) \(command)")
        kill(pid, SIGKILL)
      }
    }
    if hostA.uid != nil {
      for name in inMemory { try? FileManager.default.removeItem(atPath: "/dev/shm/\(name)") }
    }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Processes that run as one of these users.
  static func processes(of uids: Set<uid_t>) -> [(pid_t, String)] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { entry in
      guard let pid = pid_t(entry), let status = try? String(contentsOfFile: "/proc/\(entry)/status", encoding: .utf8)
      else { return nil }
      let lines = status.split(separator: "\n")
      guard let line = lines.first(where: { $0.hasPrefix("Uid:") }),
        !lines.contains(where: { $0.hasPrefix("State:\tZ") }),
        let uid = line.split(separator: "\t").dropFirst().first.flatMap({ uid_t($0) }), uids.contains(uid)
      else { return nil }
      let command = (try? String(contentsOfFile: "/proc/\(entry)/cmdline", encoding: .utf8)) ?? ""
      return (pid, command.replacing("\0", with: " "))
    }
  }
}

struct CommandFailed: Error, CustomStringConvertible {
  let arguments: [String]
  let outcome: Outcome
  var description: String { "\(arguments.joined(separator: " ")): \(outcome)" }
}
