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
    var made = ["id_ed25519"]
    var copied: [String: Int] = [:]
    if let agent {
      made.append("agent.json")
      copied["fleet-agent"] = try FileStore.size(of: agent)
      for name in DeviceFiles.names { copied[name] = try files.content(of: name).count }
    } else {
      made += ["settings", "known_hosts", "id_dropbear"]
      for name in ShellBundle.programFiles { copied[name] = try files.content(of: "shell-agent/\(name)").count }
    }
    let folder = DeviceBundle.folderName(device)
    var plan = PlannedChanges()
    plan.add(
      "\(place.step.rawValue), with these files:",
      files: (made + copied.keys).sorted().map { name in
        PlannedChanges.File(
          path: "\(folder)/\(name)", mode: String(DeviceBundle.mode(of: name), radix: 8), bytes: copied[name])
      })
    plan.add(
      "on HostA:",
      lines: PlannedChanges.onHostA(
        request, device, present: try hostA.leasedPort(device), user: user, tags: tags, hostKeys: nil))
    return plan
  }
}
