import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open way to a device's sshd: one ssh connection to HostA, past the header line.
struct DeviceConnection {
  /// A stream socket on which the device's own SSH session is about to begin.
  let socket: Descriptor
  let header: ConnectHeader
  /// The known_hosts file with the device's keys, written before this value exists.
  let pins: String
  /// Whether it outlives this process, its terminal and Ctrl-C there.
  let isDetached: Bool
  /// Where a holder keeps it for the ssh that comes, when one was asked for.
  let handover: String?

  /// `program` is the path of `fleet`, for a holder that starts while HostA is being waited for.
  ///
  /// Throws HostA's refusal, or why HostA cannot be reached.
  static func open(
    _ device: DeviceName, host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse = .chosen,
    holder program: String? = nil
  ) throws(Refusal) -> DeviceConnection {
    let request = OperatorRequest.connect(device).command
    if let master = HostMaster(host: host, paths: paths, reuse: reuse), let shared = try master.standing() {
      let way = HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: request, through: shared.socket)
      if case .header(let line, let asked) = try ask(way, over: shared, program) {
        return try DeviceConnection(device, line, asked, host: host, paths: paths, isDetached: true)
      }
      // A new connection that brought no header is the device's own matter, which the second try tells.
      if !shared.isNew { master.abandon(shared.socket) }
    }
    let way = HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: request)
    switch try ask(way, over: nil, program) {
    case .header(let line, let asked):
      return try DeviceConnection(device, line, asked, host: host, paths: paths, isDetached: false)
    case .ended(let status, let errorText):
      throw SSHFailure.refusal(host: host, exitStatus: status, errorText: errorText)
    }
  }

  private enum Answer {
    case header([UInt8], Asked)
    case ended(status: Int32, errorText: String)
  }

  /// Our end of what ssh was started with, and where else it is held.
  private struct Asked {
    let socket: Descriptor
    let handover: String?

    /// Nobody will come for it.
    func release() { if let handover { _ = try? DescriptorHandover.take(path: handover) } }
  }

  /// Starts ssh and reads HostA's first line. Over a connection of before it gives up on a HostA that says nothing.
  private static func ask(
    _ arguments: [String], over shared: HostMaster.Standing?, _ program: String?
  ) throws(Refusal) -> Answer {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0 else { throw .system("cannot make a socket") }
    let (near, far) = (Descriptor(ends[0]), Descriptor(ends[1]))
    near.setCloseOnExec()
    far.setCloseOnExec()
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let process = try Subprocess.spawn(arguments, [0: far, 1: far, 2: errorOutput], isDetached: shared != nil)
    far.close()
    errorOutput.close()
    let handover = try program.map { program throws(Refusal) in try DescriptorHandover.offer(near, program: program) }
    let asked = Asked(socket: near, handover: handover)
    if let shared { wait(for: near, over: shared) { kill(process, SIGTERM) } }
    if let line = try headerLine(near) { return .header(line, asked) }
    asked.release()
    let errorText = String(decoding: complaints.readToEnd(), as: UTF8.self)
    return .ended(status: Subprocess.wait(for: process), errorText: errorText)
  }

  private static func wait(for socket: Descriptor, over shared: HostMaster.Standing, giveUp: () -> Void) {
    var polled = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
    if shared.isNew {
      guard let line = shared.line else { return }
      while poll(&polled, 1, 5) == 0 { line.acknowledge() }
    } else if poll(&polled, 1, ConnectionReuse.patience_ms) == 0 {
      giveUp()
    }
  }

  /// Believes the header, and writes the device's keys down.
  private init(
    _ device: DeviceName, _ line: [UInt8], _ asked: Asked, host: ConfiguredHost, paths: FleetPaths, isDetached: Bool
  ) throws(Refusal) {
    let known = DevicePins(of: device, host: host, paths: paths)
    do throws(Refusal) {
      let fields = try HostRequest.fields(of: line, host: host)
      do { header = try ConnectHeader(fields) } catch { throw HostRequest.notUnderstood(error, host) }
      let remark = NewHostKey.remark(on: header, device: device, pinned: known.keys)
      try known.write(header.hostKeys)
      if let remark { StandardStreams.note(remark) }
    } catch {
      asked.release()
      throw error
    }
    socket = asked.socket
    handover = asked.handover
    self.isDetached = isDetached
    pins = known.path
  }

  /// The connection that waits for this process, or a new one where there is none, or nobody holds it any more.
  static func open(
    _ device: DeviceName, handed: HandedConnections, host: ConfiguredHost, paths: FleetPaths,
    reuse: ConnectionReuse = .chosen, holder program: String? = nil
  ) throws(Refusal) -> DeviceConnection {
    guard let waiting = handed.connection(to: device), let socket = try? DescriptorHandover.take(path: waiting.socket)
    else { return try open(device, host: host, paths: paths, reuse: reuse, holder: program) }
    return DeviceConnection(taken: socket, waiting, DevicePins(of: device, host: host, paths: paths))
  }

  private init(taken socket: Descriptor, _ waiting: HandedConnections.Waiting, _ known: DevicePins) {
    self.socket = socket
    header = ConnectHeader(name: waiting.device, user: waiting.user, hostKeys: known.keys)
    isDetached = waiting.isDetached
    handover = nil
    pins = known.path
  }

  /// Where the ssh that comes finds it.
  func offered(program: String) throws(Refusal) -> String {
    if let handover { return handover }
    return try DescriptorHandover.offer(socket, program: program)
  }

  /// Reads up to and with the first newline and not a byte further: what follows belongs to the session.
  ///
  /// `nil` when the stream ends before. Throws `io-failed` for a line beyond the protocol's limit.
  static func headerLine(_ socket: Descriptor) throws(Refusal) -> [UInt8]? {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while line.count <= Limits.line {
      let seen = recv(socket.number, &buffer, buffer.count, Int32(MSG_PEEK))
      if seen < 0, errno == EINTR { continue }
      guard seen > 0 else { return nil }
      let end = buffer[..<seen].firstIndex(of: UInt8(ascii: "\n"))
      let taken = recv(socket.number, &buffer, end.map { $0 + 1 } ?? seen, 0)
      guard taken > 0 else { return nil }
      line += buffer[..<taken]
      if end != nil { return line.dropLast() }
    }
    throw Refusal(.ioFailed, "the first line of HostA's answer does not end")
  }
}
