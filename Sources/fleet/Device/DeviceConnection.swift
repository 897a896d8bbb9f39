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

  /// Throws HostA's refusal, or why HostA cannot be reached.
  static func open(_ device: DeviceName, host: ConfiguredHost, paths: FleetPaths) throws(Refusal) -> DeviceConnection {
    let (near, far) = try socketPair()
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let process = try Subprocess.spawn(
      HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: OperatorRequest.connect(device).command),
      [0: far, 1: far, 2: errorOutput])
    far.close()
    errorOutput.close()
    guard let line = try headerLine(near) else {
      let errorText = String(decoding: complaints.readToEnd(), as: UTF8.self)
      throw SSHFailure.refusal(host: host, exitStatus: Subprocess.wait(for: process), errorText: errorText)
    }
    let (header, pins) = try accept(line, of: device, host: host, paths: paths)
    return DeviceConnection(socket: near, header: header, pins: pins)
  }

  /// Two ends of a stream.
  static func socketPair() throws(Refusal) -> (near: Descriptor, far: Descriptor) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0 else { throw .system("cannot make a socket") }
    let (near, far) = (Descriptor(ends[0]), Descriptor(ends[1]))
    near.setCloseOnExec()
    far.setCloseOnExec()
    return (near, far)
  }

  /// Takes HostA's first line: writes the pins of the device's keys, and says so when they are new.
  ///
  /// Returns the header and the known_hosts file's path. Throws HostA's refusal.
  static func accept(
    _ line: [UInt8], of device: DeviceName, host: ConfiguredHost, paths: FleetPaths
  ) throws(Refusal) -> (header: ConnectHeader, pins: String) {
    let fields = try HostRequest.fields(of: line, host: host)
    let header: ConnectHeader
    do { header = try ConnectHeader(fields) } catch { throw HostRequest.notUnderstood(error, host) }
    let pins = DevicePins(of: device, host: host, paths: paths)
    let remark = NewHostKey.remark(on: header, device: device, pinned: pins.keys)
    try pins.write(header.hostKeys)
    if let remark { StandardStreams.note(remark) }
    return (header, pins.path)
  }

  /// Reads up to and with the first newline and not a byte further: what follows belongs to the session.
  ///
  /// `nil` when the stream ends before. Throws `io-failed` for a line beyond the protocol's limit.
  static func headerLine(_ socket: Descriptor) throws(Refusal) -> [UInt8]? {
    var line: [UInt8] = []
    while true {
      switch try takeLine(from: socket, into: &line) {
      case .whole: return line
      case .partial: continue
      case .ended: return nil
      }
    }
  }

  /// How far a line has come.
  enum LineProgress { case whole, partial, ended }

  /// Takes what there is of the line, which stands in `line` without its newline once it is whole.
  ///
  /// - Parameter flags: of `recv`; with `MSG_DONTWAIT` nothing there makes the line partial.
  static func takeLine(
    from socket: Descriptor, into line: inout [UInt8], flags: Int32 = 0
  ) throws(Refusal) -> LineProgress {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let seen = recv(socket.number, &buffer, buffer.count, Int32(MSG_PEEK) | flags)
    if seen < 0, errno == EINTR || errno == EAGAIN { return .partial }
    guard seen > 0 else { return .ended }
    let end = buffer[..<seen].firstIndex(of: UInt8(ascii: "\n"))
    let taken = recv(socket.number, &buffer, end.map { $0 + 1 } ?? seen, 0)
    guard taken > 0 else { return .ended }
    line += buffer[..<taken]
    if end != nil {
      line.removeLast()
      return .whole
    }
    guard line.count <= Limits.line else {
      throw Refusal(.ioFailed, "the first line of HostA's answer does not end")
    }
    return .partial
  }
}
