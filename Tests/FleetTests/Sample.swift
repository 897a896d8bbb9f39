import FleetProtocol

@testable import fleet

/// Values that several tests need.
enum Sample {
  static let hostKeyText = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINT8ti2fFUGqHhdlSuqiXCL4irffAsJevAbszK+1WVLt"
  static let otherKeyText = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
  static let hostKey = try! PublicKey(parsing: hostKeyText)
  static let kitchen = try! DeviceName(validating: "kitchen-pi")
  static let pi = try! LoginName(validating: "pi")
  static let now = Timestamp(parsing: "2026-01-02T03:04:25Z")!

  static let host = ConfiguredHost(
    name: "hosta.example", account: try! LoginName(validating: "fleet"), address: "hosta.example",
    port: TCPPort(2222)!, identity: nil, hostKeys: [hostKey])

  static func device(
    _ name: String = "kitchen-pi", id: String = "0f3a5c7e9b1d2f40", state: DeviceState = .online, note: String? = nil,
    tags: [String: String] = [:],
    lastSeen_s: Int64? = 20, rtt_ms: Double? = 23.4, facts: [String: String] = [:]
  ) -> DeviceStatus {
    DeviceStatus(
      name: try! DeviceName(validating: name), id: DeviceID(id)!, port: TCPPort(20007)!, user: pi,
      tags: tags, state: state, note: note, lastSeen: lastSeen_s.map { Timestamp(seconds: now.seconds - $0) },
      rtt_ms: rtt_ms, remoteAddress: "203.0.113.9", agentVersion: "0.1.0", bytesReceived: 1234, bytesSent: 999,
      facts: facts, enrolled: true, provisioned: Timestamp(parsing: "2026-01-01T00:00:00Z")!)
  }
}
