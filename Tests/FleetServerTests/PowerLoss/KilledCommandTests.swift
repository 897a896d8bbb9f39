import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// 200 commands are killed, half of them before a call that writes, half of them at some moment.
@Suite struct KilledCommandTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer
  private let recorder: CallRecorder

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
    recorder = try CallRecorder(in: folder.path)
  }

  @Test func nothingThatWasAcknowledgedIsLostAndNothingIsHalfDone() throws {
    var chance = SeededGenerator(seed: 200)
    var state = FleetState()
    var portsGiven: [TCPPort: DeviceID] = [:]
    var (told, killed, doneUntold) = (0, 0, 0)
    var usual_s = try usualLength_s()
    for number in 0..<200 {
      let change = Self.change(number, state, &chance)
      let (result, wasKilled) =
        try number.isMultiple(of: 2)
        ? run(change, killAt: Int.random(in: 1...60, using: &chance))
        : run(change, killAfter: usual_s * Double.random(in: 0...1.8, using: &chance))
      let isTold = result.output.hasSuffix("\n")
      if isTold {
        guard case .ok = try result.reply() else {
          Issue.record("\(change) is refused: \(result.output)")
          continue
        }
        told += 1
      }
      // A machine that is busier than at the start, or less so, would have all killed too soon, or none.
      if !number.isMultiple(of: 2) { usual_s *= isTold ? 0.9 : 1.1 }
      if wasKilled {
        killed += 1
        let next = try server.request("list")
        try #require(next.status == 0, "\(number): \(next.output)")
      }
      let registry = try Registry.open(Home(path: server.home))
      let now = try FleetState(registry)
      let place: Comment = "\(number), \(change), \(isTold ? "told" : "not told"): \(now)"
      let isDone = now.isWholly(change, after: state)
      #expect(isDone || (!isTold && now == state), place)
      if isDone && !isTold { doneUntold += 1 }
      for device in now.devices.values {
        #expect(portsGiven[device.port] ?? device.id == device.id, place)
        portsGiven[device.port] = device.id
      }
      #expect(now.portsAreUnique, place)
      let gone = Set(portsGiven.keys).subtracting(now.devices.values.map(\.port))
      #expect(try BuiltServer.quarantined(registry) == gone, place)
      let keyFile = try server.keyFile(registry)
      #expect(keyFile.present == keyFile.wanted, place)
      #expect(access(Home(path: server.home).authorizedKeys + ".new", F_OK) != 0, place)
      state = now
    }
    // Else this would show nothing: some must have been killed before they told, and some of these behind their commit.
    #expect(killed >= 40 && told >= 40 && doneUntold >= 3, "\(killed) killed, \(told) told, \(doneUntold) done untold")
  }

  /// Any change that the fleet, as it is, allows.
  private static func change(_ number: Int, _ state: FleetState, _ chance: inout SeededGenerator) -> FleetChange {
    let names = state.devices.keys.sorted()
    guard names.count > 3, let name = names.randomElement(using: &chance) else {
      return .provision("box-\(number)", key: 100 + number)
    }
    switch Int.random(in: 0..<3, using: &chance) {
    case 0: return .rename(name, to: "box-\(number)")
    case 1: return .remove(name)
    default: return .provision("box-\(number)", key: 100 + number)
    }
  }

  private func run(_ change: FleetChange, killAt: Int) throws -> (SpawnedProcess.Result, wasKilled: Bool) {
    let result = try start(change, recorder.environment(home: server.home, killAt: killAt)).result()
    return (result, result.status == 128 + SIGKILL)
  }

  private func run(_ change: FleetChange, killAfter wait_s: Double) throws -> (SpawnedProcess.Result, wasKilled: Bool) {
    let process = try start(change)
    usleep(useconds_t(wait_s * 1_000_000))
    process.signal(SIGKILL)
    let result = process.result()
    return (result, result.status == 128 + SIGKILL)
  }

  private func start(_ change: FleetChange, _ environment: [String: String] = [:]) throws -> SpawnedProcess {
    try server.start(
      ["operator", "alice"], environment: environment.merging(["SSH_ORIGINAL_COMMAND": change.command]) { $1 },
      input: try change.body())
  }

  /// How long a command takes here and now.
  private func usualLength_s() throws -> Double {
    let begin = ContinuousClock.now
    #expect(try server.request("list").status == 0)
    let length = ContinuousClock.now - begin
    return Double(length.components.seconds) + Double(length.components.attoseconds) / 1e18
  }
}
