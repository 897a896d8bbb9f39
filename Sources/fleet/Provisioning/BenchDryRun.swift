import FleetProtocol

/// `fleet provision NAME --to BOX --dry-run`: the box and HostA are asked, and nothing is changed on either.
extension BenchProvisioning {
  func dryRun() throws(Refusal) {
    let reporter = StepReporter(.benchRehearsal, of: "rehearsing \(device)")
    let setup = try reachAndInspect(reporter)
    let changes = try reporter.perform(.rehearse) { () throws(Refusal) in (try plan(setup), "nothing was done") }
    try StandardStreams.print(changes.text)
  }

  private func plan(_ setup: BoxSetup) throws(Refusal) -> PlannedChanges {
    let facts = setup.facts
    let stage = facts.stage
    let copy = try setup.agentCopy()
    var staged = [PlannedChanges.File(path: "\(stage)/fleet-agent", mode: "755", bytes: copy.size)]
    staged.append(PlannedChanges.File(path: "\(stage)/id_ed25519", mode: "600", bytes: nil))
    staged.append(PlannedChanges.File(path: "\(stage)/agent.json", mode: "600", bytes: nil))
    var writes = [BoxScript.write("agent.json", in: stage, mode: "600")]
    for name in DeviceFiles.names {
      let size = try files.content(of: name).count
      staged.append(PlannedChanges.File(path: "\(stage)/\(name)", mode: "600", bytes: size))
      writes.append(BoxScript.write(name, in: stage, mode: "600", size: size))
    }
    var commands = copy.command.map { [$0] } ?? []
    commands += [BoxScript.keygen(facts, device: device), BoxScript.hostKeys(facts, port: setup.sshdPort)]
    commands += writes + [BoxScript.install(facts, asUser: asUser), BoxScript.removeStage(facts)]
    let install = try setup.rehearseInstall().split(whereSeparator: \.isNewline)

    var plan = PlannedChanges()
    plan.add("files on the box, taken away at the end:", files: staged)
    plan.add("commands on the box:", lines: commands.map { DisplayText.escaped($0) })
    plan.add("what install.sh does there:", lines: install.map { DisplayText.escaped($0, limit: 300) })
    plan.add(
      "on HostA:",
      lines: PlannedChanges.onHostA(
        request, device, present: try hostA.leasedPort(device), user: user ?? facts.user, tags: tags,
        hostKeys: try setup.readHostKeys().count))
    plan.add("at the end, through HostA:", lines: ["fleet ssh \(device) uname -sr"])
    return plan
  }
}

extension HostRequest {
  /// The port that a name has, `nil` for a name that is free.
  func leasedPort(_ name: DeviceName) throws(Refusal) -> TCPPort? {
    do throws(Refusal) {
      return try show(name).device.port
    } catch {
      guard error.code == .noSuchDevice else { throw error }
      return nil
    }
  }
}
