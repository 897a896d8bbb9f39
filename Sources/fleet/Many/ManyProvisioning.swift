import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet provision --from FILE --bundle-dir DIR`: a bundle for each row of a file.
///
/// A row is finished when its bundle has its name. Until then its key waits in a folder of its own, so that a run that was
/// cut off finds the lease again.
struct ManyProvisioning {
  let list: DeviceList
  /// Where the bundles and the result file go.
  let folder: String
  /// The account of rows that name none.
  let user: LoginName
  let sshdPort: TCPPort
  let lifetime: Lifetime?
  let agent: String?
  let hostA: HostRequest
  let files: DeviceFiles

  /// Rows in one request: HostA writes its key file once for each, and this many are done when somebody interrupts.
  private static let chunk = 100

  private var unfinished: String { "\(folder)/.unfinished" }
  private var resultFile: String { "\(folder)/result.csv" }
  private func key(_ name: DeviceName) -> DeviceKey { DeviceKey(path: "\(unfinished)/\(name)") }
  private func bundle(_ name: DeviceName) -> String { "\(folder)/\(ProvisionResults.fileName(of: name))" }

  /// Throws what stopped it; which rows are finished stands in the result file.
  func run() throws(Refusal) {
    let agent = try AgentBinary.find(given: agent, machine: nil)
    let present = try hostA.list().devices
    try FileStore.makeFolder(unfinished)
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    let interruption = DeferredInterruption()
    defer { withExtendedLifetime(interruption) {} }
    var progress = ProgressLine(total: list.rows.count)
    var results = try settled(present)
    try FileStore.replace(resultFile, with: results.csv.utf8)
    let rows = list.rows.filter { results.outcome(of: $0.name) == .waiting }
    if !rows.isEmpty {
      let series = try BundleSeries(agent: agent.path, files: files, modified_s: LaptopEnvironment.now.seconds)
      progress.show(results.settled)
      var start = 0
      while start < rows.count {
        guard !interruption.isWaiting else {
          interruption.takeUp()
          progress.end()
          throw Refusal(
            .stepFailed, "interrupted; \(results.summary)", hint: "run the same command again, it continues from there")
        }
        let part = rows[start..<min(start + Self.chunk, rows.count)]
        do throws(Refusal) { try provision(part, series, &results, &progress) } catch {
          progress.end()
          try? FileStore.replace(resultFile, with: results.csv.utf8)
          throw Refusal(
            error.code, "\(error.message); \(results.summary)",
            hint: (error.hint.map { "\($0); then " } ?? "") + "run the same command again, it continues from there")
        }
        try FileStore.replace(resultFile, with: results.csv.utf8)
        start += part.count
      }
    }
    progress.end()
    FileStore.remove(files: ["lock"], in: unfinished)
    let place = DisplayText.escaped(folder)
    guard results.refused == 0 else {
      throw Refusal(
        .stepFailed, results.summary, hint: "\(place)/result.csv says why; the others are finished")
    }
    StandardStreams.note("\(results.summary); the bundles and result.csv are in \(place)")
  }

  /// Two runs in one folder would take each other's keys.
  private func lock() throws(Refusal) -> Descriptor {
    let lock = try Descriptor.open("\(unfinished)/lock", O_RDWR | O_CREAT)
    guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
      throw Refusal(.alreadyRunning, "another 'fleet provision' works in \(DisplayText.escaped(folder))")
    }
    return lock
  }

  /// What an earlier run has finished.
  private func settled(_ present: [DeviceStatus]) throws(Refusal) -> ProvisionResults {
    let ports = Dictionary(present.map { ($0.name, $0.port) }) { first, _ in first }
    var results = ProvisionResults(list.rows)
    for row in list.rows where FileStore.exists(bundle(row.name)) {
      if let port = ports[row.name] {
        results.set(.done(port, wasThere: true), for: row.name)
      } else {
        results.set(
          .refused("\(ProvisionResults.fileName(of: row.name)) is there, but HostA knows no such device: delete it"),
          for: row.name)
      }
      key(row.name).remove()
    }
    return results
  }

  private func provision(
    _ rows: ArraySlice<DeviceList.Row>, _ series: BundleSeries, _ results: inout ProvisionResults,
    _ progress: inout ProgressLine
  ) throws(Refusal) {
    try DeviceKey.make(rows.map { key($0.name) })
    var bodies: [NamedProvisionBody] = []
    for row in rows {
      bodies.append(
        NamedProvisionBody(
          name: row.name,
          body: ProvisionBody(
            key: try key(row.name).make(), user: row.user ?? user, tags: row.tags, hostKeysFromFirstClaim: true,
            replacesKey: true, expires_s: lifetime?.seconds)))
    }
    let (host, replies) = try hostA.provisionMany(bodies)
    for (row, reply) in zip(rows, replies) {
      let key = key(row.name)
      switch reply {
      case .failure(let refusal):
        results.set(.refused(refusal.message), for: row.name)
      case .success(let lease):
        let configuration = AgentConfiguration(
          device: lease.device, name: row.name, port: lease.port, host: host, keyFile: "id_ed25519",
          sshdPort: sshdPort, reportHostKeys: true)
        try series.write(
          configuration, key: try key.content(), temporary: "\(unfinished)/\(row.name).new", to: bundle(row.name))
        results.set(.done(lease.port, wasThere: false), for: row.name)
      }
      key.remove()
      progress.show(results.settled)
    }
  }
}
