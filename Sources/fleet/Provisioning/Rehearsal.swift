import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reaches a device through HostA once, the way `fleet ssh` does: what was set up on the bench is proved before the box
/// stands where nobody can touch it.
struct Rehearsal {
  let device: DeviceName
  let hostA: HostRequest
  /// What the box's sshd showed on the bench.
  let benchKeys: [PublicKey]

  /// How long the way may need to stand: an agent that was started anew has just left its old connection.
  private static let limit = Duration.seconds(30)

  /// Throws why the device was not reached, or `device-host-key-changed`.
  func run() throws(Refusal) -> RehearsalProof {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.limit
    while true {
      do throws(Refusal) {
        return try attempt()
      } catch {
        try StepReporter.stopIfInterrupted()
        let mayPass = [.deviceOffline, .deviceBlocked, .hostUnreachable, .ioFailed].contains(error.code)
        guard mayPass, clock.now < deadline else { throw error }
        usleep(250_000)
      }
    }
  }

  private func attempt() throws(Refusal) -> RehearsalProof {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let connection = try DeviceConnection.dial(device, host: hostA.host, paths: hostA.paths, reuse: .off)
    guard Set(connection.header.hostKeys) == Set(benchKeys) else {
      throw Refusal(
        .deviceHostKeyChanged, "HostA pins other host keys for \(device) than the box showed on the bench",
        hint: "somebody else may be provisioning \(device) at the same time; run this again")
    }
    // Who saw the keys on the bench need not be told that they are new.
    try DevicePins(of: device, host: hostA.host, paths: hostA.paths).write(PinnedKeys(accepting: connection.header))
    let socket = try DescriptorHandover.offer(connection.socket, program: program)
    let outcome = try Subprocess.run(
      DeviceSSHArguments.ssh(
        try RehearsalProof.commandLine(device), defaultUser: connection.header.user.rawValue, name: connection.name,
        program: program, over: .connection(handover: socket, staying: nil)))
    return try RehearsalProof(
      device: device, exitStatus: outcome.status, output: outcome.text, debugText: outcome.errorText)
  }
}
