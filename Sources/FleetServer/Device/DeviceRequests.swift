import FleetProtocol
import Glibc

/// What a device's key may ask: the forced command `device ID PORT`.
///
/// The hot path of a mass reconnect. A claim opens no registry, so that a locked, full or damaged one keeps no device out.
struct DeviceRequests {
  let home: Home
  let device: DeviceID
  let port: TCPPort
  let standing: DeviceKeyStanding

  /// Writes the reply, or throws the refusal that is the reply.
  func answer(_ command: String) throws(Refusal) {
    switch try DeviceRequest(parsing: command) {
    case .claim:
      let body = try RequestBody.read { (line) throws(JSONError) in try ClaimBody(parsing: line) }
      try ReplyOutput.write(.ok(try claim(body, port: .free).fields))
    case .attach: try attach()
    case .report:
      try report(try RequestBody.read { (line) throws(JSONError) in try ReportBody(parsing: line) })
      try ReplyOutput.write(.ok([:]))
    case .rotateKey:
      let body = try RequestBody.read { (line) throws(JSONError) in try RotateKeyBody(parsing: line) }
      try ReplyOutput.write(.ok(try rotate(body).fields))
    }
  }

  /// Records the connection that asks as the device's, with the port as `aim` wants it.
  func claim(_ body: ClaimBody, port aim: Takeover.Aim) throws(Refusal) -> ClaimReply {
    let ancestors = ProcessTable.ownAncestors()
    let sshd = try carrier(ancestors)
    guard let connection = getenv("SSH_CONNECTION").flatMap({ SSHConnection(parsing: String(cString: $0)) }) else {
      throw Self.notThroughSSHD
    }
    // Before any lock is taken, and again behind it: a hundred claims may have come at once.
    if wasJustAsked { try requirePause(after: SessionFile.read(device, home: home), on: sshd) }
    let tookOver = try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      try SessionEnd.requireNotShutOut(sshd, device, home: home)
      let predecessor = SessionFile.read(device, home: home)
      if wasJustAsked { try requirePause(after: predecessor, on: sshd) }
      let liveness = predecessor.map { ConnectionLiveness($0) }
      let now_s = Int64(time(nil))
      var history = predecessor?.history ?? ClaimHistory()
      let isGranted = history.claim(
        bootID: body.bootID, address: "\(connection.remote)", now_s: now_s, isHolderHere: liveness?.isHere ?? false)
      if !isGranted, var predecessor {
        predecessor.history = history
        keep(predecessor)
        throw Self.duplicate
      }
      let tookOver = try Takeover.make(port, aim, of: predecessor, ownAncestors: ancestors.map(\.pid))
      let lastHeard_s = liveness?.silence_s.map { now_s - $0 }
      // An attachment follows a claim of its own, which knows what was there before.
      let predecessorSeen_s = aim == .listening ? predecessor?.predecessorSeen_s : tookOver ? lastHeard_s : nil
      let record = SessionRecord(
        sshd: sshd, connection: connection, claimed_s: Int64(time(nil)),
        predecessorSeen_s: predecessorSeen_s, claim: body.withPlainFacts, history: history)
      keep(record)
      return tookOver
    }
    let window_s = ReconnectWindow.seconds(
      devices: KeyFile.deviceCount(home: home) ?? 0, cores: Processors.count)
    return ClaimReply(port: port, reconnectWindow_s: window_s, tookOver: tookOver, rotateKey: standing == .replace)
  }

  /// Without room anywhere a device comes back all the same: it is listed as offline then, and its next connection
  /// waits until sshd has noticed the end of this one.
  private func keep(_ record: SessionRecord) {
    do throws(Refusal) { try SessionFile.write(record, device: device, home: home) } catch {
      StandardError.write(error)
    }
  }

  func report(_ body: ReportBody) throws(Refusal) {
    let sshd = try carrier(ProcessTable.ownAncestors())
    let isTooSoon = wasJustAsked
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      guard let present = SessionFile.read(device, home: home), present.sshd == sshd else {
        throw Refusal(
          .requestRefused, "this connection does not hold the device's claim", hint: "claim before reporting")
      }
      var record = present
      record.deviceSSHD = body.sshd
      if !body.hostKeys.isEmpty { record.claim.hostKeys = body.hostKeys }
      if record != present { try SessionFile.write(record, device: device, home: home) }
    }
    if isTooSoon { RequestGate.waitForTurn(home, of: device.rawValue) }
  }

  /// Whether the device has claimed or reported a moment ago.
  private var wasJustAsked: Bool {
    RequestPace.isTooSoon(age_ms: SessionFile.place(device, home: home).flatMap { RequestGate.age_ms(ofFile: $0) })
  }

  /// One connection needs the port once. Throws `claim-busy` where it has just asked for it.
  private func requirePause(after record: SessionRecord?, on sshd: ProcessIdentity) throws(Refusal) {
    guard record?.sshd == sshd else { return }
    throw Refusal(
      .claimBusy, "this connection has claimed the device's port a moment ago", hint: "one claim is enough")
  }

  private func rotate(_ body: RotateKeyBody) throws(Refusal) -> RotateKeyReply {
    let sshd = try carrier(ProcessTable.ownAncestors())
    return try KeyRotation(home: home, device: device, standing: standing, sshd: sshd).run(body.key)
  }

  /// The sshd that carries the connection: the nearest one above us, since a shell may stand between.
  private func carrier(_ ancestors: [ProcessStat]) throws(Refusal) -> ProcessIdentity {
    guard let sshd = ancestors.first(where: \.isSSHD) else { throw Self.notThroughSSHD }
    return ProcessIdentity(pid: sshd.pid, startTime: sshd.startTime, bootID: ProcessTable.bootID())
  }

  private static let duplicate = Refusal(
    .deviceDuplicate, "another box uses this device's key and keeps its port",
    hint: "one of the two has a copied SD card: provision it under a name of its own")

  private static let notThroughSSHD = Refusal(
    .requestRefused, "a claim works only through sshd", hint: "let fleet-agent make the connection")
}
