import FleetProtocol

/// `fleet provision NAME --bundle FILE --dry-run`, and the same with `--image`: HostA is asked, and nothing is changed.
extension BundleProvisioning {
  func dryRun() throws(Refusal) {
    let agent = isShell ? nil : try AgentBinary.find(given: agent, machine: place.machine)
    try place.check()
    let reporter = StepReporter(.carriedRehearsal, of: "rehearsing \(device)")
    try reporter.perform(.askHostA) { () throws(Refusal) in
      ((), "\(hostA.host.address) knows you as \(try hostA.version().operatorName)")
    }
    let changes = try reporter.perform(.rehearse) { () throws(Refusal) in
      (try plan(agent: agent?.path), "nothing was done")
    }
    try StandardStreams.print(changes.text)
  }

  private func plan(agent: String?) throws(Refusal) -> PlannedChanges {
    let folder = DeviceBundle.folderName(device)
    func file(_ name: String, _ bytes: Int?) -> PlannedChanges.File {
      PlannedChanges.File(
        path: "\(folder)/\(name)", mode: String(DeviceBundle.mode(of: name), radix: 8), bytes: bytes)
    }
    var inner = [file("id_ed25519", nil)]
    if let agent {
      inner += [file("agent.json", nil), file("fleet-agent", try FileStore.size(of: agent))]
      for name in DeviceFiles.names { inner.append(file(name, try files.content(of: name).count)) }
    } else {
      inner += ["settings", "known_hosts", "id_dropbear"].map { file($0, nil) }
      for name in ShellBundle.programFiles {
        inner.append(file(name, try files.content(of: "shell-agent/\(name)").count))
      }
    }
    var plan = PlannedChanges()
    plan.add("\(place.step.rawValue), with these files:", files: inner)
    plan.add(
      "on HostA:",
      lines: PlannedChanges.onHostA(
        device, present: try hostA.leasedPort(device), user: user, tags: tags, hostKeys: nil))
    return plan
  }
}
