import FleetProtocol
import Glibc

/// The machine at one moment, as far as presence must know it. One look at the kernel serves all devices.
struct HostSnapshot {
  let home: Home
  let now_s: Int64
  let uid: UInt32
  let bootID: String
  let sockets: SocketTable
  let connections: [SSHConnection: ConnectionHealth]?

  static func take(_ home: Home) -> HostSnapshot {
    HostSnapshot(
      home: home, now_s: Int64(time(nil)), uid: geteuid(), bootID: ProcessTable.bootID(),
      sockets: SocketTable.current(), connections: SocketDiagnostics.connections())
  }

  func session(of device: DeviceID) -> SessionRecord? { SessionFile.read(device, home: home) }

  func presence(of device: RegistryDevice, session: SessionRecord?) -> Presence {
    let isAlive =
      session.map { $0.sshd.isLivingSSHD(ProcessTable.process($0.sshd.pid), bootID: bootID, uid: uid) } ?? false
    let listener: PresenceEvidence.Listener =
      switch sockets.holder(of: device.port) {
      case nil: .none
      case let holder?: holder == uid ? .own : .foreign
      }
    let connection: PresenceEvidence.Connection =
      connections.map { known in
        session.flatMap { known[$0.connection] }.map { .established($0) } ?? .none
      } ?? .untold
    return Presence(
      PresenceEvidence(
        session: session, isSessionAlive: isAlive, listener: listener, connection: connection,
        lastSeen_s: device.lastSeen_s, now_s: now_s))
  }

  /// What `list` and `show` say of the device.
  func status(of device: RegistryDevice) -> DeviceStatus {
    let session = session(of: device.id)
    let presence = presence(of: device, session: session)
    var status = DeviceStatus(
      name: device.name, id: device.id, port: device.port, user: device.user, tags: device.tags,
      state: presence.state, note: presence.note, lastSeen: presence.lastSeen_s.map { Timestamp(seconds: $0) },
      rtt_ms: presence.health?.rtt_ms, remoteAddress: session.map { "\($0.connection.remote)" },
      agentVersion: session?.claim.agentVersion, bytesReceived: presence.health?.bytesReceived,
      bytesSent: presence.health?.bytesAcknowledged, facts: session?.claim.facts ?? [:],
      enrolled: !device.hostKeys.isEmpty, provisioned: Timestamp(seconds: device.provisioned_s))
    // A device could otherwise report itself into a line that no laptop accepts.
    if JSON.object(status.object).text.utf8.count >= Limits.line { status.facts = [:] }
    return status
  }
}
