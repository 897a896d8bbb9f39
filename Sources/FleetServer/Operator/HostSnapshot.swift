import FleetProtocol
import Glibc

/// The machine at one moment, as far as presence must know it. One look at the kernel serves all devices.
struct HostSnapshot {
  let home: Home
  let now_s: Int64
  let uid: UInt32
  let bootID: String
  /// Who listens where a device's forward would stand.
  let holders: [TCPPort: UInt32]
  /// `nil` where this system does not tell.
  let connections: [SSHConnection: ConnectionHealth]?

  /// Throws `io-failed` rather than call a device offline that it could not look for, as when too many files are open.
  static func take(_ home: Home) throws(Refusal) -> HostSnapshot {
    let sockets = SocketDiagnostics.sockets()
    var listeners = sockets?.listeners
    if listeners == nil { listeners = try SocketTable.read() }
    let bootID = ProcessTable.bootID()
    guard !bootID.isEmpty else { throw Refusal(.ioFailed, "the kernel's boot identity cannot be read") }
    return HostSnapshot(
      home: home, now_s: Int64(time(nil)), uid: geteuid(), bootID: bootID, holders: listeners?.holders ?? [:],
      connections: sockets?.connections)
  }

  func session(of device: DeviceID) -> SessionRecord? { SessionFile.read(device, home: home) }

  /// With a look at the recorded sshd in /proc.
  func presence(of device: RegistryDevice, session: SessionRecord?) -> Presence {
    presence(port: device.port, recordedSeen_s: device.lastSeen_s, session: session) { isAlive($0) }
  }

  /// The same for whoever looks at many devices: the kernel's word on the recorded connection and on our listener says
  /// enough of the sshd that would hold them.
  func quickPresence(port: TCPPort, recordedSeen_s: Int64?, session: SessionRecord?) -> Presence {
    presence(port: port, recordedSeen_s: recordedSeen_s, session: session) { session in
      guard let connections else { return isAlive(session) }
      return connections[session.connection] != nil && (holders[port] == uid || isAlive(session))
    }
  }

  private func presence(
    port: TCPPort, recordedSeen_s: Int64?, session: SessionRecord?, isAlive: (SessionRecord) -> Bool
  ) -> Presence {
    let listener: PresenceEvidence.Listener =
      switch holders[port] {
      case nil: .none
      case let holder?: holder == uid ? .own : .foreign
      }
    let connection: PresenceEvidence.Connection =
      connections.map { known in
        session.flatMap { known[$0.connection] }.map { .established($0) } ?? .none
      } ?? .untold
    return Presence(
      PresenceEvidence(
        session: session, isSessionAlive: session.map(isAlive) ?? false, listener: listener, connection: connection,
        lastSeen_s: recordedSeen_s, now_s: now_s))
  }

  private func isAlive(_ session: SessionRecord) -> Bool {
    session.sshd.isLivingSSHD(ProcessTable.process(session.sshd.pid), bootID: bootID, uid: uid)
  }

  /// What `show` says of the device.
  func status(of device: RegistryDevice) -> DeviceStatus {
    let session = session(of: device.id)
    let presence = presence(of: device, session: session)
    var status = status(of: device.listed, presence: presence, session: session)
    // A device could otherwise report itself into a line that no laptop accepts.
    if JSON.object(status.object).text.utf8.count >= Limits.line { status.facts = [:] }
    return status
  }

  /// Appends the line of `list` for the device; `false` where the selector does not mean a device in this state.
  func write(
    _ device: ListedDevice, session: SessionRecord?, where selector: DeviceSelector, to lines: inout [UInt8]
  ) -> Bool {
    let presence = quickPresence(port: device.port, recordedSeen_s: device.lastSeen_s, session: session)
    var status = status(of: device, presence: presence, session: session)
    guard selector.matches(status) else { return false }
    let start = lines.count
    status.write(to: &lines)
    if lines.count - start >= Limits.line {
      status.facts = [:]
      lines.removeSubrange(start...)
      status.write(to: &lines)
    }
    lines.append(UInt8(ascii: "\n"))
    return true
  }

  private func status(of device: ListedDevice, presence: Presence, session: SessionRecord?) -> DeviceStatus {
    DeviceStatus(
      name: device.name, id: device.id, port: device.port, user: device.user, tags: device.tags,
      state: presence.state, note: presence.note, lastSeen: presence.lastSeen_s.map { Timestamp(seconds: $0) },
      rtt_ms: presence.health?.rtt_ms, remoteAddress: session.map { "\($0.connection.remote)" },
      agentVersion: session?.claim.agentVersion, bytesReceived: presence.health?.bytesReceived,
      bytesSent: presence.health?.bytesAcknowledged, facts: session?.claim.facts ?? [:],
      enrolled: device.isEnrolled, provisioned: Timestamp(seconds: device.provisioned_s),
      expires: device.expires_s.map { Timestamp(seconds: $0) })
  }
}
