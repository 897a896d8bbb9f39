import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct LeasePolicyTests {
  private func ports(_ numbers: Int...) -> Set<TCPPort> { Set(numbers.compactMap { TCPPort($0) }) }
  private func policy(_ text: String) throws -> LeasePolicy {
    LeasePolicy(range: try #require(PortRange(parsing: text)))
  }

  @Test func theLowestPortThatNobodyHolds() throws {
    let policy = try policy("20000-20009")
    #expect(try policy.lowestFreePort(leased: [], quarantined: [], inUse: []) == TCPPort(20000))
    let port = try policy.lowestFreePort(leased: ports(20000, 20003), quarantined: ports(20001), inUse: ports(20002))
    #expect(port == TCPPort(20004))
  }

  @Test func aGapIsFilledFirst() throws {
    let port = try policy("20000-20009").lowestFreePort(leased: ports(20000, 20002), quarantined: [], inUse: [])
    #expect(port == TCPPort(20001))
  }

  @Test func theRangeEndsAt65535() throws {
    let port = try policy("65534-65535").lowestFreePort(leased: ports(65534), quarantined: [], inUse: [])
    #expect(port == TCPPort(65535))
  }

  @Test func aFullRangeIsRefusedByItsOwnCode() throws {
    let refusal = #expect(throws: Refusal.self) {
      try policy("20000-20001").lowestFreePort(leased: ports(20000), quarantined: ports(20001), inUse: [])
    }
    #expect(refusal?.code == .rangeExhausted)
    #expect(refusal?.hint != nil)
  }
}
