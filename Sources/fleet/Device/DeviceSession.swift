import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A session on a device, as the command line of ssh that runs it: what `fleet ssh` becomes, and what whoever runs many
/// sessions starts.
struct DeviceSession {
  let host: ConfiguredHost
  let paths: FleetPaths
  var reuse = ConnectionReuse.chosen

  /// ssh's arguments, its own name first: over a connection that stands already, or over one that is opened now, and
  /// that stays for a minute where nothing speaks against it.
  ///
  /// Call it right before ssh is started, by the process that becomes ssh or starts it, and use the arguments once. The
  /// ssh that it opens a connection for must be this process or its child. Throws HostA's refusal, or why HostA cannot
  /// be reached.
  func arguments(
    _ line: SSHCommandLine, handed: HandedConnections = HandedConnections()
  ) throws(Refusal) -> [String] {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let master =
      line.concernsOnlySession ? DeviceMaster(line.device, host: host, paths: paths, reuse: reuse) : nil
    let name = try FleetHostName(line.device, on: host, paths)
    if let found = master?.find(user: line.user) {
      return DeviceSSHArguments.ssh(
        line, defaultUser: found.user, name: name, program: program,
        over: .master(socket: found.socket, host: host.name))
    }
    let inquiry = master.map { _ in SettingsInquiry(line) }
    let connection = try DeviceConnection.open(
      line.device, handed: handed, host: host, paths: paths, reuse: reuse, holder: program)
    let login = connection.header.user.rawValue
    var staying: String?
    // A connection that Ctrl-C or the end of this terminal ends is no use to others.
    if let master, let inquiry, connection.isDetached, SessionOptions.mayStay(effectiveSettings: inquiry.answer) {
      staying = master.claim(user: line.user, loggedInAs: login)
    }
    let handover = try connection.offered(program: program)
    return DeviceSSHArguments.ssh(
      line, defaultUser: login, name: name, program: program,
      over: .connection(handover: handover, staying: staying))
  }
}

/// Asks ssh how a person's ~/.ssh/config has a device, while HostA is being asked for the way there.
private struct SettingsInquiry {
  private let process: pid_t?
  private let output: Descriptor?

  init(_ line: SSHCommandLine) {
    guard let pipe = try? Subprocess.makePipe(), let null = try? Descriptor.open("/dev/null", O_RDWR) else {
      (process, output) = (nil, nil)
      return
    }
    process = try? Subprocess.spawn(
      DeviceSSHArguments.settings(line.device, user: line.user ?? "fleet"), [0: null, 1: pipe.write, 2: null])
    output = pipe.read
    pipe.write.close()
  }

  /// What ssh printed; empty where it failed.
  var answer: String {
    guard let process, let output else { return "" }
    let text = String(decoding: output.readToEnd(), as: UTF8.self)
    return Subprocess.wait(for: process) == 0 ? text : ""
  }
}
