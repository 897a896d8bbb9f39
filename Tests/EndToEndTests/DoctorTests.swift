import Foundation
import Testing

/// `fleet doctor` with everything well, and with one thing after the other broken: it names the hop, and its status is
/// that of the reason.
@Suite(.serialized) struct DoctorTests {
  @Test func eachBrokenHopIsNamed() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      let sshd = try lab.startBoxSSHD()
      let agent = try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))

      let hostA = try lab.fleet("doctor")
      #expect(hostA.status == 0 && hostA.error.isEmpty, "\(hostA)")
      #expect(hostA.output.contains("✓ HostA: login: you are anna") && !hostA.output.contains("✗"), "\(hostA)")
      #expect(hostA.output.contains("✓ HostA: the fleet: 1 device: 1 online"), "\(hostA)")
      let well = try lab.fleet("doctor", "kitchen-pi")
      #expect(well.status == 0 && well.output.contains("✓ device: login: as \(lab.box.name) by SHA256:"), "\(well)")
      #expect(well.output.contains("HostA: clock: as this laptop's") && !well.output.contains("\u{1B}"), "\(well)")
      let object = try Lab.object(try lab.fleetSucceeds("doctor", "kitchen-pi", "--json"))
      #expect(object["ok"] as? Bool == true && (object["steps"] as? [Any])?.count == 15, "\(object)")

      try lab.expect(3, "record", "no-such-device", of: "nobody")
      try lab.deviceIsBroken(sshd: sshd, agent: agent)
      try lab.wayToHostAIsBroken(server: server)
    }
  }
}

extension Lab {
  /// `fleet doctor` of the device, or of HostA alone, fails at the step.
  fileprivate func expect(_ status: Int32, _ step: String, _ code: String, of device: String? = nil) throws {
    let outcome = try run(laptop, ["fleet", "doctor", "--json"] + (device.map { [$0] } ?? []))
    let object = try Self.object(outcome.output)
    #expect(outcome.status == status && object["failed"] as? String == step, "\(outcome)")
    #expect(object["code"] as? String == code && object["hint"] is String, "\(outcome)")
  }

  /// The login, then sshd, its host key and the tunnel.
  fileprivate func deviceIsBroken(sshd: Running, agent: Running) throws {
    try succeed(box, ["sh", "-c", "mv sshd-0/authorized_keys sshd-0/away"])
    try expect(5, "device-login", "device-login-refused", of: "kitchen-pi")
    let said = try fleet("doctor", "kitchen-pi")
    #expect(said.output.contains("✗ device: login: kitchen-pi does not let you in"), "\(said)")
    #expect(
      said.error.contains("fleet: kitchen-pi does not let you in") && said.error.contains("\n  add your public key"))
    try succeed(box, ["sh", "-c", "mv sshd-0/away sshd-0/authorized_keys"])

    sshd.stop()
    try expect(1, "device-sshd", "device-ssh-down", of: "kitchen-pi")
    try succeed(box, ["sh", "-c", "rm ~/sshd-0/host_key ~/sshd-0/host_key.pub"])
    try startBoxSSHD()
    let shown = try succeed(box, ["ssh-keygen", "-lf", "sshd-0/host_key.pub"]).split(separator: " ")[1]
    try expect(1, "device-key", "device-host-key-changed", of: "kitchen-pi")
    #expect(try fleet("doctor", "kitchen-pi").error.contains("kitchen-pi shows the host key \(shown)"))

    agent.stop()
    try eventually("it is offline") { try state("kitchen-pi") == "offline" }
    try expect(4, "record", "device-offline", of: "kitchen-pi")
  }

  /// The laptop's key, HostA's key, fleet-server and sshd there.
  fileprivate func wayToHostAIsBroken(server: Running) throws {
    let file = ".config/fleet/config.json"
    let known = try succeed(laptop, ["cat", file])
    func edit(_ old: String, _ new: String) throws {
      try write(known.replacingOccurrences(of: old, with: new), to: file, of: laptop)
    }
    let stranger = laptop.home.appending(path: "stranger").path
    try succeed(laptop, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger])
    try edit(operatorKey.path, stranger)
    try expect(5, "host-login", "not-an-operator", of: "kitchen-pi")
    try succeed(laptop, ["chmod", "644", stranger])
    try expect(5, "key", "key-unusable")
    try write(known, to: file, of: laptop)

    let pins = ".local/state/fleet/known_hosts"
    let pinned = try succeed(laptop, ["cat", pins])
    let key = try #require(pinned.split { $0.isWhitespace }.last.map(String.init))
    let other = try #require(
      try succeed(laptop, ["cat", stranger + ".pub"]).split(separator: " ").dropFirst().first.map(String.init))
    try edit(key, other)
    try write(pinned.replacingOccurrences(of: key, with: other), to: pins, of: laptop)
    try expect(6, "host-key", "host-key-changed")
    try write(known, to: file, of: laptop)
    try expect(1, "configuration", "configuration-invalid")
    try write(pinned, to: pins, of: laptop)
    #expect(try fleet("doctor").status == 0)

    server.stop()
    try expect(6, "host-port", "host-unreachable", of: "kitchen-pi")
    let said = try fleet("doctor")
    #expect(said.output.contains("✗ HostA: port: HostA (127.0.0.1 port \(ports.hostA)) does not answer: "), "\(said)")
    #expect(said.output.contains("- HostA: sshd\n") && said.error.contains("see whether 'fleet-server run'"), "\(said)")
  }
}
