import Foundation
import Testing

/// A box without our binary: what its PATH holds is a shell with small tools, and one of the two ssh clients.
struct ShellBox: Sendable, CustomTestStringConvertible {
  enum Shell: String, Sendable { case dash, ash }
  enum Client: String, Sendable { case ssh, dbclient }

  let shell: Shell
  let client: Client
  /// Whether it has the program that makes a key for its client.
  var makesKeys = true
  /// Whether flock is there; without it a folder is the lock.
  var hasFlock = true

  static let all = [Shell.dash, .ash].flatMap { shell in
    [Client.ssh, .dbclient].map { ShellBox(shell: shell, client: $0, hasFlock: shell == .dash || $0 == .ssh) }
  }

  var testDescription: String { "\(shell.rawValue) and \(client.rawValue)" }

  /// The agent's only tools, `sh` among them.
  private static let tools = [
    "cat", "chmod", "cp", "cut", "env", "grep", "ln", "mkdir", "mkfifo", "mv", "rm", "sed", "setsid", "sleep", "sort",
    "sync", "tr", "uname",
  ]

  /// Makes the folder that is all of the box's PATH.
  func makePath(_ lab: Lab) throws -> String {
    let folder = lab.box.home.appending(path: "path-\(shell)-\(client)").path
    var links = ["ssh-keyscan": "ssh-keyscan", client.rawValue: client.rawValue]
    if makesKeys {
      let maker = client == .ssh ? "ssh-keygen" : "dropbearkey"
      links[maker] = maker
    }
    if hasFlock { links["flock"] = "flock" }
    for tool in Self.tools { links[tool] = shell == .ash ? "busybox" : tool }
    links["sh"] = shell == .ash ? "busybox" : "dash"
    let script = links.map { "ln -s \"$(command -v \($1))\" \(folder)/\($0)" }.joined(separator: " && ")
    try lab.succeed(lab.box, ["sh", "-c", "mkdir \(folder) && \(script)"])
    return folder
  }
}

/// Stands in for a box's ssh client: at the second step of a key's replacement it hangs until its input ends.
struct ClientThatHangs {
  enum Moment: String, CaseIterable { case beforeHostAHears, afterHostAHeard }

  let lab: Lab
  /// The client in the box's PATH, a link.
  let client: String

  private var mark: String { client + "-hangs" }

  var hangs: Bool { FileManager.default.fileExists(atPath: mark) }

  func hang(_ moment: Moment) throws {
    let real = try FileManager.default.destinationOfSymbolicLink(atPath: client)
    let ask = moment == .afterHostAHeard ? "\(real) \"$@\" >/dev/null" : ":"
    try lab.succeed(
      lab.box,
      [
        "sh", "-ec",
        """
        mv "$1" "$1-real"
        cat >"$1"
        chmod 700 "$1"
        """, "sh", client,
      ],
      input: """
        #!/bin/sh
        case "$*" in
        *.next*rotate-key*)
          IFS= read -r body
          printf '%s\\n' "$body" | \(ask)
          : >\(mark)
          exec cat >/dev/null ;;
        esac
        exec \(real) "$@"

        """)
  }

  func mend() throws {
    try lab.succeed(lab.box, ["sh", "-ec", "mv \"$1-real\" \"$1\" && rm \"$1-hangs\"", "sh", client])
  }
}

extension Lab {
  /// Provisions by `--shell --bundle` and unpacks it on the box, with a canary every few seconds. Returns the folder.
  func provisionShellBundle(_ name: String, in place: String = "") throws -> URL {
    let bundle = laptop.home.appending(path: "\(name).tar")
    if !FileManager.default.fileExists(atPath: bundle.path) {
      try fleetSucceeds(
        "provision", name, "--user", box.name, "--shell", "--bundle", bundle.path, "--sshd-port", "\(ports.box(0))")
    }
    let carried = box.home.appending(path: "\(name)\(place).tar")
    try FileManager.default.copyItem(at: bundle, to: carried)
    if let uid = box.uid { chown(carried.path, uid, uid) }
    let folder = box.home.appending(path: "unpacked\(place)")
    try succeed(
      box,
      [
        "sh", "-ec",
        """
        mkdir "$2" && tar -xf "$1" -C "$2"
        sed -i "s/^CANARY_S=.*/CANARY_S='2'/" "$2"/*/settings
        """, "sh", carried.path, folder.path,
      ])
    return folder.appending(path: "fleet-agent-\(name)")
  }

  /// HostA, the laptop, and a box with an unpacked bundle of the shell agent, whose folder is returned.
  func prepareRouter() throws -> URL {
    try startHostA()
    try login()
    try startBoxSSHD()
    return try provisionShellBundle("router")
  }

  /// Starts the shell agent from the folder of its bundle.
  func startShellAgent(
    _ kind: ShellBox, path: String, folder: URL, as account: Account? = nil, preload: String? = nil
  ) throws -> Running {
    try start(
      account ?? box,
      ["env", "PATH=\(path)"] + (preload.map { ["LD_PRELOAD=\($0)"] } ?? [])
        + ["\(path)/sh", folder.appending(path: "fleet-shell-agent.sh").path])
  }

  /// The process on HostA that carries the device's connection.
  func carrier(_ name: String) throws -> Int? {
    guard let id = try device(name)?["id"] as? String else { return nil }
    let outcome = try run(hostA, ["cat", serverHome.appending(path: "sessions/\(id).json").path])
    let record = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return (record?["sshd"] as? [String: Any])?["pid"] as? Int
  }

  /// Asks HostA as the operator, by the laptop's own ssh.
  func ask(_ request: String...) throws -> Outcome {
    try run(
      laptop,
      [
        "ssh", "-F", "none", "-p", "\(ports.hostA)", "-i", operatorKey.path, "-o", "StrictHostKeyChecking=accept-new",
        "-o", "UserKnownHostsFile=\(laptop.home.path)/asked", "\(hostA.name)@\(hostAddress)",
      ] + request)
  }
}
