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

  /// The device's host keys are pinned before this returns. Throws HostA's refusal, why HostA cannot be reached, or
  /// `device-host-key-changed`.
  static func open(_ device: DeviceName, host: ConfiguredHost, paths: FleetPaths) throws(Refusal) -> DeviceConnection {
    let connection = try dial(device, host: host, paths: paths)
    let pins = DevicePins(of: device, host: host, paths: paths)
    let known = pins.content
    let trusted = try HostKeyRule.pins(after: connection.header, of: connection.name, known: known)
    try pins.write(trusted)
    if let remark = NewHostKey.remark(on: trusted, device: device, known: known) { StandardStreams.note(remark) }
    return connection
  }

  /// Trusts nothing yet. Throws HostA's refusal, or why HostA cannot be reached.
  static func dial(_ device: DeviceName, host: ConfiguredHost, paths: FleetPaths) throws(Refusal) -> DeviceConnection {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0 else { throw .system("cannot make a socket") }
    let (near, far) = (Descriptor(ends[0]), Descriptor(ends[1]))
    near.setCloseOnExec()
    far.setCloseOnExec()
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let process = try Subprocess.spawn(
      HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: OperatorRequest.connect(device).command),
      [0: far, 1: far, 2: errorOutput])
    far.close()
    errorOutput.close()
    guard let line = try headerLine(near) else {
      let errorText = String(decoding: complaints.readToEnd(), as: UTF8.self)
      throw ConnectionFailure.refusal(
        host: host, paths: paths, exitStatus: Subprocess.wait(for: process), errorText: errorText)
    }
    let fields = try HostRequest.fields(of: line, host: host)
    let header: ConnectHeader
    do { header = try ConnectHeader(fields) } catch { throw HostRequest.notUnderstood(error, host) }
    return DeviceConnection(socket: near, header: header, name: try FleetHostName(device, on: host, paths))
  }

  /// The connection that waits for this process, or a new one where there is none, or nobody holds it any more.
  static func open(
    _ device: DeviceName, handed: HandedConnections, host: ConfiguredHost, paths: FleetPaths
  ) throws(Refusal) -> DeviceConnection {
    guard let waiting = handed.connection(to: device), let socket = try? DescriptorHandover.take(path: waiting.socket)
    else { return try open(device, host: host, paths: paths) }
    let keys = DevicePins(of: device, host: host, paths: paths).content.trusted
    return DeviceConnection(
      socket: socket, header: ConnectHeader(name: device, user: waiting.user, hostKeys: keys),
      name: try FleetHostName(device, on: host, paths))
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

extension FleetHostName {
  fileprivate init(_ device: DeviceName, on host: ConfiguredHost, _ paths: FleetPaths) throws(Refusal) {
    self.init(device, on: host, of: try LaptopEnvironment.configuration(paths))
  }
}
