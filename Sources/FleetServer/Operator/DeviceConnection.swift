import FleetProtocol
import Glibc

/// The request `connect`: checks, writes the audit, and bridges an operator to a device's port.
struct DeviceConnection {
  let home: Home
  let actor: AuditActor

  func run(to name: DeviceName, registry: Registry) throws(Refusal) {
    // From here on an end by signal is seen by the bridge, so that the audit's second row is written.
    let signals = try SignalQueue([SIGHUP, SIGTERM, SIGINT])
    let device = try reachable(name, registry)
    let socket = try dial(device)
    defer { close(socket) }
    let start_s = Int64(time(nil))
    let row = try registry.auditConnect(device, by: actor, now_s: start_s)
    let begin = ContinuousClock.now
    var bridge = Bridge(input: 0, output: 1, device: socket, signals: signals.descriptor)
    let header = ConnectHeader(
      name: device.name, user: device.user, hostKeys: device.hostKeys,
      enrolled: device.enrolled_s.map { Timestamp(seconds: $0) }, enrolledBy: device.enrolledBy)
    if (try? ReplyOutput.write(.ok(header.fields))) != nil { bridge.run() }
    let duration_s = (ContinuousClock.now - begin).components.seconds
    do throws(Refusal) {
      try registry.auditDisconnect(
        device, by: actor, connection: row, duration_s: duration_s, bytesToDevice: bridge.bytesToDevice,
        bytesFromDevice: bridge.bytesFromDevice, now_s: Int64(time(nil)))
    } catch {
      // The header went out long ago: a second reply would be taken for the device's bytes.
      StandardError.write(error)
    }
  }

  private func reachable(_ name: DeviceName, _ registry: Registry) throws(Refusal) -> RegistryDevice {
    // A device that claims again and again would otherwise be waited for without an end.
    let end = ContinuousClock.now + .seconds(ReachabilityCheck.patience_s)
    while true {
      let snapshot = try HostSnapshot.take(home)
      let found = try registry.device(named: name, for: actor.access)
      let session = snapshot.session(of: found.id)
      let device = HostKeyAdoption.adopt(for: found, from: snapshot, into: registry)
      let holder = snapshot.holders[device.port]
      do throws(Refusal) {
        try ReachabilityCheck.check(
          device, presence: snapshot.presence(of: device, session: session),
          isForeignListener: holder.map { $0 != snapshot.uid } ?? false)
        return device
      } catch {
        guard ContinuousClock.now < end,
          ReachabilityCheck.isPassing(error.code, of: device, session: session, now_s: snapshot.now_s)
        else { throw error }
      }
      usleep(100_000)
    }
  }

  private func dial(_ device: RegistryDevice) throws(Refusal) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .systemCall("no socket can be made") }
    // A tunnel whose sshd no longer accepts would otherwise hold the operator for minutes.
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = device.port.rawValue.bigEndian
    address.sin_addr.s_addr = inet_addr(Loopback.address)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else {
      close(descriptor)
      throw Refusal(.deviceOffline, "\(device.name) has just gone offline", hint: "try again in a few seconds")
    }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }
}
