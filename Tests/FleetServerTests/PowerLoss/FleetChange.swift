import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// A request of an operator that changes which devices there are, as tests ask for it.
enum FleetChange {
  case provision(String, key: Int)
  case rename(String, to: String)
  case remove(String)

  var command: String {
    switch self {
    case .provision(let name, _): "provision \(name)"
    case .rename(let name, let new): "rename \(name) \(new)"
    case .remove(let name): "remove \(name)"
    }
  }

  func body() throws -> String {
    guard case .provision(_, let key) = self else { return "" }
    return try sampleBody(key).line + "\n"
  }
}

/// The devices of a fleet, by name: what must be the same after a crash.
struct FleetState: Equatable, CustomStringConvertible {
  struct Device: Equatable {
    var id: DeviceID
    var port: TCPPort
  }

  var devices: [String: Device] = [:]

  init() {}

  init(_ registry: Registry) throws {
    for device in try registry.devices() { devices[device.name.rawValue] = Device(id: device.id, port: device.port) }
  }

  /// What it is after the change, of which the reply tells.
  func after(_ change: FleetChange, reply: JSONObject) throws -> FleetState {
    var state = self
    switch change {
    case .provision(let name, _):
      let lease = try ProvisionReply(reply)
      state.devices[name] = Device(id: lease.device, port: lease.port)
    case .rename(let name, let new): state.devices[new] = state.devices.removeValue(forKey: name)
    case .remove(let name): state.devices[name] = nil
    }
    return state
  }

  /// Whether this is what `before` is after the change, whoever it was that got the new device's port.
  func isWholly(_ change: FleetChange, after before: FleetState) -> Bool {
    var expected = before
    switch change {
    case .provision(let name, _):
      guard let device = devices[name], before.devices[name] == nil else { return false }
      expected.devices[name] = device
    case .rename(let name, let new): expected.devices[new] = expected.devices.removeValue(forKey: name)
    case .remove(let name): expected.devices[name] = nil
    }
    return self == expected
  }

  var portsAreUnique: Bool { Set(devices.values.map(\.port)).count == devices.count }

  var description: String {
    devices.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.id) \($0.value.port)" }.joined(separator: ", ")
  }
}

extension BuiltServer {
  /// What the key file should be by the registry, and what it is.
  func keyFile(_ registry: Registry) throws -> (wanted: String, present: String) {
    let home = Home(path: home)
    let program = try #require(realpath(Self.path, nil))
    defer { free(program) }
    let keyFile = try KeyFile(
      home: home, settings: try HostSettings.read(home), account: try Account.current(),
      executable: String(cString: program))
    let present = try String(contentsOfFile: home.authorizedKeys, encoding: .utf8)
    // A change that concerns no key leaves the number of the one before.
    let number = KeyFileText.change(in: present.utf8) ?? 0
    return (KeyFileText.withChange(number, try registry.read { try keyFile.text($0) }), present)
  }

  /// The ports that are held back of devices that were removed.
  static func quarantined(_ registry: Registry) throws -> Set<TCPPort> {
    Set(try registry.read { try Int64.fetchAll($0, sql: "SELECT port FROM quarantine") }.compactMap { TCPPort($0) })
  }
}
