import Foundation

/// What a person does to bring the three machines to life, as functions.
extension Lab {
  /// The address under which boxes and laptop find HostA.
  var hostAddress: String { hostA.namespace == nil ? "127.0.0.1" : NATWorld.hostAAddress }

  /// The person's key on the laptop.
  var operatorKey: URL { laptop.home.appending(path: ".ssh/id_ed25519") }

  /// Initialises HostA and starts it. Returns the running `fleet-server run`.
  @discardableResult func startHostA() throws -> Running {
    try initHostA()
    return try runHostA()
  }

  /// Makes the laptop's key and initialises HostA with it, with further `options` of `init`. Returns what `init` said.
  @discardableResult func initHostA(_ options: [String] = []) throws -> String {
    try makeOperatorKey()
    let key = try succeed(laptop, ["cat", operatorKey.path + ".pub"])
    let keyFile = try write(key, to: "anna.pub", of: hostA)
    return try succeed(
      hostA,
      [
        "fleet-server", "init", "--address", hostAddress, "--listen", "\(hostAddress):\(ports.hostA)",
        "--ports", "\(ports.leases.lowerBound)-\(ports.leases.upperBound)", "--operator", "anna",
        "--operator-key", keyFile.path,
      ] + options)
  }

  /// Starts `fleet-server run` and waits until its sshd answers.
  @discardableResult func runHostA() throws -> Running {
    let server = try start(hostA, ["fleet-server", "run"])
    try eventually("HostA's sshd listens\n\(server.error)", within: 20) {
      if let status = server.wait(0) { throw NeverHappened(what: "run ended with \(status): \(server.error)") }
      return try run(hostA, ["ssh-keyscan", "-T", "2", "-t", "ed25519", "-p", "\(ports.hostA)", hostAddress]).output
        .contains("ssh-ed25519")
    }
    return server
  }

  func makeOperatorKey() throws {
    try succeed(laptop, ["sh", "-c", "mkdir -p -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519"])
  }

  /// HostA's home, where everything is at its default place.
  var serverHome: URL { hostA.home.appending(path: ".local/state/fleet-server") }

  /// Logs the laptop in, with the fingerprint that HostA's own key has; `hostKey` is the private sshd's unless given.
  func login(hostKey: String? = nil) throws {
    let file = hostKey ?? serverHome.appending(path: "ssh_host_ed25519_key.pub").path
    let line = try succeed(hostA, ["ssh-keygen", "-lf", file])
    let fingerprint = String(line.split(separator: " ")[1])
    try fleetSucceeds(
      "login", "\(hostA.name)@\(hostAddress):\(ports.hostA)", "--host-key", fingerprint, "--identity", operatorKey.path)
  }

  /// Starts the throw-away sshd of the n-th box, which lets the person's key in, and waits until it listens.
  ///
  /// `extra` stands before every other setting of its configuration. `account` is the box's, unless it has more to it.
  @discardableResult func startBoxSSHD(_ n: Int = 0, extra: String = "", as account: Account? = nil) throws -> Running {
    let port = ports.box(n)
    let folder = "sshd-\(n)"
    try succeed(
      box,
      [
        "sh", "-c",
        "mkdir -p ~/\(folder) && ([ -e ~/\(folder)/host_key ] || ssh-keygen -q -t ed25519 -N '' -f ~/\(folder)/host_key)",
      ])
    let key = try String(contentsOf: operatorKey.appendingPathExtension("pub"), encoding: .utf8)
    try write(key, to: "\(folder)/authorized_keys", of: box)
    let configuration = try write(
      """
      \(extra)
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey ~/\(folder)/host_key
      AuthorizedKeysFile \(box.home.path)/\(folder)/authorized_keys
      PidFile none
      UsePAM no
      StrictModes no
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      MaxStartups 200
      MaxSessions 200
      SetEnv HOME=\(box.home.path) XDG_CONFIG_HOME=\(box.home.path)/.config PATH=\(box.home.path)/bin:/usr/bin:/bin
      Subsystem sftp internal-sftp

      """.replacing("~/", with: box.home.path + "/"), to: "\(folder)/sshd_config", of: box)
    let sshd = try start(account ?? box, ["/usr/sbin/sshd", "-D", "-e", "-f", configuration.path])
    try eventually("the box's sshd listens", within: 15) { sshd.error.contains("Server listening") }
    return sshd
  }

  /// Carries a file or a folder from the laptop to the box, as a stick or a card does.
  func carry(_ source: String, to target: String) throws {
    let carried = box.home.appending(path: target)
    try FileManager.default.copyItem(at: laptop.home.appending(path: source), to: carried)
    guard let uid = box.uid else { return }
    chown(carried.path, uid, uid)
    for name in FileManager.default.enumerator(atPath: carried.path)?.compactMap({ $0 as? String }) ?? [] {
      lchown(carried.appending(path: name).path, uid, uid)
    }
  }

  /// Provisions by a bundle and unpacks it on the box. Returns the agent's configuration file.
  func provisionBundle(_ name: String, box n: Int = 0) throws -> URL {
    let bundle = laptop.home.appending(path: "\(name).tar")
    try fleetSucceeds(
      "provision", name, "--user", box.name, "--bundle", bundle.path, "--sshd-port", "\(ports.box(n))")
    try carry("\(name).tar", to: "\(name).tar")
    try succeed(box, ["tar", "-xf", "\(name).tar"])
    return box.home.appending(path: "fleet-agent-\(name)/agent.json")
  }

  /// Starts the agent and waits until HostA calls the device online.
  @discardableResult func startAgent(_ name: String, configuration: URL) throws -> Running {
    let agent = try start(box, ["fleet-agent", "run", "--config", configuration.path])
    try online(name, agent: agent)
    try keyIsSettled(name, agent: agent)
    return agent
  }

  /// A bundle's key is replaced at the first contact, beside the tunnel, where the device's disk can be written.
  func keyIsSettled(_ name: String, agent: Running) throws {
    guard !box.hasReadOnlyDisk else { return }
    try eventually("\(name) has replaced the key of its bundle\n\(agent.error)") {
      guard let id = try device(name)?["id"] as? String else { return false }
      return try !keyLines(of: id).contains { $0.contains(" replace\"") || $0.contains(" next\"") }
    }
    try online(name, agent: agent)
  }

  func online(_ name: String, agent: Running? = nil, within limit_s: Double = 30) throws {
    try eventually("\(name) is online", within: limit_s) {
      if let agent, let status = agent.wait(0) {
        throw NeverHappened(what: "the agent ended with \(status): \(agent.error)")
      }
      return try state(name) == "online"
    }
  }

  /// The device as `fleet list --all --json` has it.
  func device(_ name: String) throws -> [String: Any]? {
    let text = try fleetSucceeds("list", "--all", "--json")
    return (try Self.object(text)["devices"] as? [[String: Any]])?.first { $0["name"] as? String == name }
  }

  /// What the device's agent says of itself.
  func agentStatus(_ configuration: URL) throws -> Outcome {
    try run(box, ["fleet-agent", "status", "--config", configuration.path])
  }

  func state(_ name: String) throws -> String? { try device(name)?["state"] as? String }

  static func object(_ text: String) throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw NeverHappened(what: "a JSON object: \(text)")
    }
    return object
  }

  /// The process of HostA's sshd that carries the one device's connection, as the claim recorded it.
  func carryingSSHD() throws -> pid_t {
    let files = try succeed(hostA, ["sh", "-c", "cat ~/.local/state/fleet-server/sessions/*.json"])
    guard let pid = (try Self.object(files)["sshd"] as? [String: Any])?["pid"] as? Int else {
      throw NeverHappened(what: "one device claims: \(files)")
    }
    return pid_t(pid)
  }

  /// HostA, the laptop, one box and its tunnel, all up.
  @discardableResult func startKitchenPi() throws -> (server: Running, agent: Running, configuration: URL) {
    let (server, configuration) = try prepareKitchenPi()
    return (server, try startAgent("kitchen-pi", configuration: configuration), configuration)
  }

  /// The same without the agent.
  func prepareKitchenPi() throws -> (server: Running, configuration: URL) {
    let server = try startHostA()
    try login()
    try startBoxSSHD()
    return (server, try provisionBundle("kitchen-pi"))
  }
}
