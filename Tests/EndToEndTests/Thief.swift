import Foundation
import Testing

/// Somebody who has a key and uses OpenSSH's own client with it.
struct Thief {
  let lab: Lab
  let account: Account
  let key: URL

  /// What ssh, scp and sftp take alike.
  private var options: [String] {
    [
      "-F", "none", "-i", key.path, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
      "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
      "-o", "ConnectTimeout=30", "-o", "Port=\(lab.ports.hostA)",
    ]
  }

  private var host: String { "\(lab.hostA.name)@\(lab.hostAddress)" }

  func line(_ options: [String], _ command: [String]) -> [String] {
    ["ssh"] + self.options + options + [host] + (command.isEmpty ? [] : ["--"] + command)
  }

  func run(_ options: [String], command: [String] = []) throws -> Outcome {
    try lab.run(account, line(options, command), within: 60)
  }

  func start(_ options: [String], command: [String] = []) throws -> Running {
    try lab.start(account, line(options, command))
  }

  /// A connection that stays open for later requests, and the options that lead them through it.
  func connection() throws -> (master: Running, options: [String]) {
    let socket = account.home.appending(path: "master-\(UUID().uuidString.prefix(8))").path
    let master = try start(["-M", "-S", socket, "-N"])
    try eventually("the connection stands\n\(master.error)", within: 60) {
      FileManager.default.fileExists(atPath: socket)
    }
    return (master, ["-S", socket])
  }

  /// No terminal and no file in either direction, each asked for on a connection of its own.
  func expectNoTerminalAndNoFiles() throws {
    let terminal = try run(["-tt"])
    #expect(terminal.status != 0 && terminal.error.contains("PTY allocation request failed"), "\(terminal)")
    let sftp = try run(["-s"], command: ["sftp"])
    #expect(sftp.status != 0, "\(sftp)")
    let home = lab.hostA.home.path
    try lab.write("planted", to: "planted", of: account)
    for copy in [["-O", "planted", "\(host):\(home)/planted"], ["planted", "\(host):\(home)/planted"]] {
      let outcome = try lab.run(account, ["scp"] + options + copy, within: 60)
      #expect(outcome.status != 0, "scp \(copy): \(outcome)")
    }
    for copy in [["-O"], []] {
      let loot = account.home.appending(path: "loot")
      let outcome = try lab.run(
        account, ["scp"] + options + copy + ["\(host):\(lab.serverHome.path)/registry.db", loot.path], within: 60)
      #expect(outcome.status != 0 && !FileManager.default.fileExists(atPath: loot.path), "scp \(copy): \(outcome)")
    }
  }

  /// Of an agent of its own (`-A`) and of variables that it sends, the forced command gets nothing. `request` is one that
  /// waits for its standard input, so that there is time to look at its environment; `role` is how its line begins.
  /// HostA's administrator may let a language in.
  func expectCleanEnvironment(during request: String, of role: String, language: Bool = false) throws {
    let end = account.home.appending(path: "end-\(UUID().uuidString.prefix(8))")
    let session = try lab.start(
      account,
      // An agent that runs a command ends by itself only some time after the command.
      [
        "ssh-agent", "sh", "-c", "while [ ! -e \"$0\" ]; do sleep 0.1; done | \"$@\"; ssh-agent -k >/dev/null",
        end.path,
      ]
        + line(
          [
            "-A", "-o",
            "SetEnv=LD_PRELOAD=/evil BASH_ENV=/evil PATH=/evil FLEET_SERVER_HOME=/evil SSH_ORIGINAL_COMMAND=/evil "
              + "SSH_CONNECTION=/evil LC_ALL=/evil",
          ], [request]))
    var variables: [String] = []
    try eventually("the forced command runs\n\(session.error)", within: 60) {
      let process = Lab.processes(of: [lab.hostA.uid ?? getuid()]).first {
        $0.1.contains("fleet-server \(role)") && $0.1.hasPrefix("/")
      }
      let text = process.flatMap { try? String(contentsOfFile: "/proc/\($0.0)/environ", encoding: .utf8) } ?? ""
      variables = text.split(separator: "\0").map(String.init)
      return text.contains("SSH_CONNECTION=")
    }
    try lab.succeed(account, ["touch", end.path])
    _ = session.wait(60)
    #expect(variables.contains("SSH_ORIGINAL_COMMAND=\(request)"), "\(variables)")
    #expect(!variables.contains { $0.hasPrefix("SSH_AUTH_SOCK=") || $0.hasPrefix("DISPLAY=") }, "\(variables)")
    #expect(variables.filter { $0.hasSuffix("/evil") } == (language ? ["LC_ALL=/evil"] : []), "\(variables)")
  }
}
