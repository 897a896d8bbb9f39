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
  /// What `fleet known-hosts`, which ssh asks for the device's keys, knows it by.
  let name: FleetHostName
  /// Whether it outlives this process, its terminal and Ctrl-C there.
  let isDetached: Bool
  /// Where a holder keeps it for the ssh that comes, when one was asked for.
  private var handover: String?

  /// The device's host keys are pinned before this returns. Throws HostA's refusal, why HostA cannot be reached, or
  /// `device-host-key-changed`.
  ///
  /// `program` is the path of `fleet`, for a holder that starts while HostA is being waited for.
  static func open(
    _ device: DeviceName, host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse = .chosen,
    holder program: String? = nil
  ) throws(Refusal) -> DeviceConnection {
    let connection = try dial(device, host: host, paths: paths, reuse: reuse, holder: program)
    do throws(Refusal) { try connection.pin(device, host: host, paths: paths) } catch {
      connection.release()
      throw error
    }
    return connection
  }

  /// Where the ssh that comes finds it.
  func offered(program: String) throws(Refusal) -> String {
    if let handover { return handover }
    return try DescriptorHandover.offer(socket, program: program)
  }

  /// Nobody will come for it.
  private func release() { if let handover { _ = try? DescriptorHandover.take(path: handover) } }

  /// The same of a connection on which HostA's first line has come, over an ssh that somebody else has started apart.
  static func accept(
    _ device: DeviceName, _ line: [UInt8], _ socket: Descriptor, host: ConfiguredHost, paths: FleetPaths
  ) throws(Refusal) -> DeviceConnection {
    let connection = try DeviceConnection(
      device, line, socket, host: host, paths: paths, isDetached: true)
    try connection.pin(device, host: host, paths: paths)
    return connection
  }

  private func pin(_ device: DeviceName, host: ConfiguredHost, paths: FleetPaths) throws(Refusal) {
    let pins = DevicePins(of: device, host: host, paths: paths)
    let known = pins.content
    let trusted = try HostKeyRule.pins(after: header, of: name, known: known)
    try pins.write(trusted)
    if let remark = NewHostKey.remark(on: trusted, device: device, known: known) { StandardStreams.note(remark) }
  }

  /// The connection that waits for this process, or a new one where there is none, or nobody holds it any more.
  static func open(
    _ device: DeviceName, handed: HandedConnections, host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse,
    holder program: String
  ) throws(Refusal) -> DeviceConnection {
    guard let waiting = handed.connection(to: device), let socket = try? DescriptorHandover.take(path: waiting.socket)
    else { return try open(device, host: host, paths: paths, reuse: reuse, holder: program) }
    let keys = DevicePins(of: device, host: host, paths: paths).content.trusted
    return DeviceConnection(
      socket: socket, header: ConnectHeader(name: device, user: waiting.user, hostKeys: keys),
      name: try FleetHostName(device, on: host, paths), isDetached: waiting.isDetached)
  }

  /// Trusts nothing yet. Throws HostA's refusal, or why HostA cannot be reached.
  static func dial(
    _ device: DeviceName, host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse = .chosen,
    holder program: String? = nil
  ) throws(Refusal) -> DeviceConnection {
    let request = OperatorRequest.connect(device).command
    if let master = HostMaster(host: host, paths: paths, reuse: reuse), let shared = try master.standing() {
      let way = HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: request, through: shared.socket)
      if case .header(let line, let socket, let handover) = try ask(way, over: shared, program) {
        return try DeviceConnection(
          device, line, socket, host: host, paths: paths, isDetached: true, handover: handover)
      }
      // A new connection that brought no header is the device's own matter, which the second try tells.
      if !shared.isNew { master.abandon(shared.socket) }
    }
    let way = HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: request)
    switch try ask(way, over: nil, program) {
    case .header(let line, let socket, let handover):
      return try DeviceConnection(
        device, line, socket, host: host, paths: paths, isDetached: false, handover: handover)
    case .ended(let status, let errorText):
      throw ConnectionFailure.refusal(host: host, paths: paths, exitStatus: status, errorText: errorText)
    }
  }

  private enum Answer {
    case header([UInt8], Descriptor, handover: String?)
    case ended(status: Int32, errorText: String)
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
    if let shared { wait(for: near, over: shared) { kill(process, SIGTERM) } }
    var said: [UInt8] = []
    let line: [UInt8]?
    do throws(Refusal) {
      line = try headerLine(near) { () throws(Refusal) in try hear(complaints, while: near, &said) }
    } catch {
      kill(process, SIGTERM)
      if let handover { _ = try? DescriptorHandover.take(path: handover) }
      throw error
    }
    if let line { return .header(line, near, handover: handover) }
    if let handover { _ = try? DescriptorHandover.take(path: handover) }
    let errorText = String(decoding: said + complaints.readToEnd(), as: UTF8.self)
    return .ended(status: Subprocess.wait(for: process), errorText: errorText)
  }

  /// Returns when there is something to read on the socket; until then ssh must not wait for a full pipe. Throws
  /// `io-failed` when HostA complains without an end.
  private static func hear(_ complaints: Descriptor, while socket: Descriptor, _ said: inout [UInt8]) throws(Refusal) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    var isOver = false
    while true {
      var polled = [
        pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOver ? -1 : complaints.number, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&polled, 2, -1) > 0 else { continue }
      if polled[0].revents != 0 { return }
      let count = read(complaints.number, &buffer, buffer.count)
      if count > 0 { said += buffer[..<count] } else if count == 0 { isOver = true }
      guard said.count <= Descriptor.longestText else {
        throw Refusal(
          .ioFailed, "HostA does not answer and writes error messages without an end",
          hint: "see whether it is still the HostA that you know: 'fleet doctor'")
      }
    }
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

  private init(socket: Descriptor, header: ConnectHeader, name: FleetHostName, isDetached: Bool) {
    (self.socket, self.header, self.name, self.isDetached) = (socket, header, name, isDetached)
  }

  /// Reads the header.
  private init(
    _ device: DeviceName, _ line: [UInt8], _ socket: Descriptor, host: ConfiguredHost, paths: FleetPaths,
    isDetached: Bool, handover: String? = nil
  ) throws(Refusal) {
    self.handover = handover
    self.socket = socket
    self.isDetached = isDetached
    do throws(Refusal) {
      header = try Self.header(line, host: host)
      name = try FleetHostName(device, on: host, paths)
    } catch {
      if let handover { _ = try? DescriptorHandover.take(path: handover) }
      throw error
    }
  }

  private static func header(_ line: [UInt8], host: ConfiguredHost) throws(Refusal) -> ConnectHeader {
    let fields = try HostRequest.fields(of: line, host: host)
    do { return try ConnectHeader(fields) } catch { throw HostRequest.notUnderstood(error, host) }
  }

  /// Reads up to and with the first newline and not a byte further: what follows belongs to the session.
  ///
  /// `nil` when the stream ends before. Throws `io-failed` for a line beyond the protocol's limit.
  ///
  /// `wait` returns when there is something to read.
  static func headerLine(
    _ socket: Descriptor, wait: () throws(Refusal) -> Void = { () throws(Refusal) in }
  ) throws(Refusal) -> [UInt8]? {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while line.count <= Limits.line {
      try wait()
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

extension FleetHostName {
  /// As short as the configuration of this laptop allows. Throws `configuration-invalid`.
  init(_ device: DeviceName, on host: ConfiguredHost, _ paths: FleetPaths) throws(Refusal) {
    self.init(device, on: host, of: try LaptopEnvironment.configuration(paths))
  }
}
