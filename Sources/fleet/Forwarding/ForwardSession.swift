import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One ssh that forwards ports, from its start to its end.
struct ForwardSession {
  let device: DeviceName
  /// ssh's command line.
  let arguments: [String]

  /// Returns why it ended, `nil` for a signal to this process. `whenListening` is called once.
  func run(
    until interruption: Interruption, whenListening: () throws(Refusal) -> Void
  ) throws(Refusal) -> ForwardEnd? {
    let (announcements, output) = try Subprocess.makePipe()
    let (complaints, errors) = try Subprocess.makePipe()
    let null = try Descriptor.open("/dev/null", O_RDONLY)
    let process = try Subprocess.spawn(arguments, [0: null, 1: output, 2: errors])
    output.close()
    errors.close()
    defer {
      kill(process, SIGTERM)
      _ = Subprocess.wait(for: process)
      // The connection to HostA is a child of ours as well, and ends with this one.
      while waitpid(-1, nil, WNOHANG) > 0 {}
    }
    var isListening = false
    var said: [UInt8] = []
    while announcements.isOpen || complaints.isOpen {
      var polled = [announcements, complaints, interruption.bell].map {
        pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
      }
      guard poll(&polled, 3, -1) > 0 || interruption.signalNumber != nil else { continue }
      if interruption.signalNumber != nil { return nil }
      if polled[0].revents != 0, Self.take(announcements) != nil, !isListening {
        isListening = true
        // What was said until here was no reason to fail, and what comes from here on may be one to end.
        StandardStreams.note(String(decoding: said, as: UTF8.self), terminator: "")
        said = []
        try whenListening()
      }
      if polled[1].revents != 0, let text = Self.take(complaints) {
        said = (said + text).suffix(8192)
        if isListening { Self.show(text) }
      }
    }
    return ForwardEnd(device: device, wasListening: isListening, errorText: String(decoding: said, as: UTF8.self))
  }

  private static func show(_ text: [UInt8]) {
    for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
    where !ForwardEnd.isTold(by: line) { StandardStreams.note(String(line)) }
  }

  /// What can be read now; closes the descriptor, and returns `nil`, at the end.
  private static func take(_ source: Descriptor) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(source.number, &buffer, buffer.count)
    if count > 0 { return Array(buffer[..<count]) }
    if count == 0 || errno != EINTR { source.close() }
    return nil
  }
}
