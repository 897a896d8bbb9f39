import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A TCP connection to HostA that is made for ssh, where ssh would make the very same one by itself.
///
/// ssh lets the kernel hold small packets back until it is logged in, and its acknowledgements wait for company, which
/// HostA's sshd waits for in turn: together more than two round trips of the first connection.
struct DirectLine {
  private let socket: Descriptor

  /// Begins to connect while ssh is asked what it would do. `nil` where it would do anything else: another address, a
  /// jump host. Whether it succeeds is seen later.
  init?(host: ConfiguredHost, pins: String) {
    guard let pipe = try? Subprocess.makePipe(), let null = try? Descriptor.open("/dev/null", O_RDWR),
      let inquiry = try? Subprocess.spawn(
        HostConnectionArguments.settings(of: host, pins: pins), [0: null, 1: pipe.write, 2: null])
    else { return nil }
    pipe.write.close()
    let begun = Self.begin(host)
    let settings = String(decoding: pipe.read.readToEnd(), as: UTF8.self)
    guard Subprocess.wait(for: inquiry) == 0, HostConnectionArguments.isDirect(effectiveSettings: settings, to: host),
      let begun
    else { return nil }
    socket = begun
  }

  /// Whether HostA has answered, and has not cut it off.
  var isConnected: Bool {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket.number, $0, &length) == 0 }
    }
  }

  /// Has a holder keep it for the ssh that is started next, and returns where.
  func offer(program: String) throws(Refusal) -> String { try DescriptorHandover.offer(socket, program: program) }

  /// What came is acknowledged now, not with the next packet or 40 ms later. It holds for the moment only.
  func acknowledge() {
    guard let option = Platform.quickAcknowledgement else { return }
    Self.set(option, socket)
  }

  private static func begin(_ host: ConfiguredHost) -> Descriptor? {
    var hints = addrinfo()
    hints.ai_socktype = Platform.socketStream
    hints.ai_flags = AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host.address, host.port.description, &hints, &found) == 0, let first = found?.pointee else {
      return nil
    }
    defer { freeaddrinfo(found) }
    let line = Descriptor(makeSocket(first.ai_family))
    guard line.isOpen else { return nil }
    line.setCloseOnExec()
    set(TCP_NODELAY, line)
    let flags = fcntl(line.number, F_GETFL)
    line.setNonBlocking()
    guard connectSocket(line.number, first) == 0 || errno == EINPROGRESS else { return nil }
    // From here on who writes waits until it is connected.
    _ = fcntl(line.number, F_SETFL, flags)
    return line
  }

  private static func set(_ option: Int32, _ socket: Descriptor) {
    var on: Int32 = 1
    setsockopt(socket.number, Int32(IPPROTO_TCP), option, &on, socklen_t(MemoryLayout<Int32>.size))
  }
}

// Outside the type, where these names still mean the system calls.
private func makeSocket(_ family: Int32) -> Int32 { socket(family, Platform.socketStream, 0) }
private func connectSocket(_ number: Int32, _ address: addrinfo) -> Int32 {
  connect(number, address.ai_addr, address.ai_addrlen)
}
