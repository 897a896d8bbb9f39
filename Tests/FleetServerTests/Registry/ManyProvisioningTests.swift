import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ManyProvisioningTests {
  private let folder: TemporaryFolder
  private let registry: Registry

  init() throws {
    folder = try TemporaryFolder()
    registry = try Registry.create(try folder.home())
  }

  private func row(_ name: String, _ key: Int) throws -> Result<NamedProvisionBody, Refusal> {
    .success(NamedProvisionBody(name: try DeviceName(validating: name), body: try sampleBody(key)))
  }

  private func provision(_ rows: [Result<NamedProvisionBody, Refusal>], ports: String = "20000-20009") throws
    -> [Result<Registry.Lease, Refusal>]
  {
    var number: UInt64 = 0
    return try registry.provisionMany(
      rows, range: try #require(PortRange(parsing: ports)), portsInUse: [try #require(TCPPort(20001))],
      by: AuditActor(name: "alice", remoteAddress: nil), now_s: 1
    ) {
      number += 1
      return DeviceID(random: number)
    }
  }

  private func code(_ result: Result<Registry.Lease, Refusal>) -> Refusal.Code? {
    if case .failure(let refusal) = result { return refusal.code }
    return nil
  }

  @Test func aRefusedRowLeavesNothingAndTheOthersStand() throws {
    let malformed = Refusal(.requestMalformed, "x")
    let results = try provision([
      row("a", 1), .failure(malformed), row("a", 2), row("b", 1), row("c", 3), row("a", 1),
    ])
    #expect(results.map(code) == [nil, .requestMalformed, .nameTaken, .keyTaken, nil, nil])
    let leases = results.compactMap { try? $0.get() }
    #expect(leases.map(\.port.rawValue) == [20000, 20002, 20000] && leases.map(\.created) == [true, true, false])
    #expect(try registry.devices().map(\.name.rawValue) == ["a", "c"])
    #expect(try provision([row("a", 1), row("c", 3)]).compactMap { try $0.get().created } == [false, false])
  }

  @Test func thePortsThatThereAreAreLeasedAndNoMore() throws {
    let results = try provision(try (0..<12).map { try row("d\($0)", 100 + $0) })
    #expect(results.compactMap { try? $0.get().port.rawValue } == [20000] + Array(20002...20009))
    #expect(results.suffix(3).map(code) == [.rangeExhausted, .rangeExhausted, .rangeExhausted])
    #expect(try registry.devices().count == 9)
  }
}
