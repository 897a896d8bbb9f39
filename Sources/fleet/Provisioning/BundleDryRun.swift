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
    var sizes: [String: Int?] = ["id_ed25519": .some(nil)]
    if let agent {
      sizes["agent.json"] = .some(nil)
      sizes["fleet-agent"] = try FileStore.size(of: agent)
      for name in DeviceFiles.names { sizes[name] = try files.content(of: name).count }
    } else {
      for name in ["settings", "known_hosts", "id_dropbear"] { sizes[name] = .some(nil) }
      for name in ShellBundle.programFiles { sizes[name] = try files.content(of: "shell-agent/\(name)").count }
    }
    let folder = DeviceBundle.folderName(device)
    var plan = PlannedChanges()
    plan.add(
      "\(place.step.rawValue), with these files:",
      files: sizes.sorted { $0.key < $1.key }.map { name, size in
        PlannedChanges.File(
          path: "\(folder)/\(name)", mode: String(DeviceBundle.mode(of: name), radix: 8), bytes: size)
      })
    plan.add(
      "on HostA:",
      lines: PlannedChanges.onHostA(
        device, present: try hostA.leasedPort(device), user: user, tags: tags, hostKeys: nil))
    return plan
  }
}
