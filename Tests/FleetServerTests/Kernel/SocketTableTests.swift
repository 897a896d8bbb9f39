import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct SocketTableTests {
  private let v4 = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:4E27 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
       1: 00000000:4E28 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 2 1 0 100 0 0 10 0
       2: 0100007F:4E29 0100007F:1234 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
       3: 0100007F:4E2A 0100007F:1234 06 00000000:00000000 03:00000FA0 00000000     0        0 0 3 0
       4: 0501A8C0:4E2B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4 1 0 100 0 0 10 0
      nonsense
    """
  private let v6 = """
      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 00000000000000000000000000000000:4E30 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     9        0 1 1 0
       1: 0000000000000000FFFF00000100007F:4E31 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     8        0 1 1 0
       2: 00000000000000000000000001000000:4E32 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     6        0 1 1 0
    """

  private func port(_ number: Int) throws -> TCPPort { try #require(TCPPort(number)) }

  @Test func whoListensWhereAForwardWouldStand() throws {
    let table = SocketTable(parsing: v4.utf8)
    #expect(table.entries.count == 5)
    #expect(try table.holder(of: port(0x4E27)) == 1000)
    #expect(try table.holder(of: port(0x4E28)) == 7, "every address includes the loopback")
    #expect(try table.holder(of: port(0x4E29)) == nil, "a connection is no listener")
    #expect(try table.holder(of: port(0x4E2B)) == nil, "another address is not in the way")
    #expect(table.entries[4].local == IPAddress(parsing: "192.168.1.5"))
  }

  @Test func theSameForIPv6() throws {
    let table = SocketTable(parsing: v6.utf8)
    #expect(try table.holder(of: port(0x4E30)) == 9)
    #expect(try table.holder(of: port(0x4E31)) == 8, "an IPv4 address written as IPv6")
    #expect(try table.holder(of: port(0x4E32)) == nil, "::1 is not in the way")
  }

  @Test func whatIsHeldIsNotLeased() throws {
    let bound = SocketTable(parsing: v4.utf8).boundPorts
    #expect(bound == Set([0x4E27, 0x4E28, 0x4E29, 0x4E2B].compactMap { TCPPort($0) }), "all but TIME_WAIT")
  }

  @Test(arguments: ["", "\n\n", "x: 0100007F:4E27", "0: 0100007F:FFFFF 0:0 0A 0 0 0 0"]) func nonsense(_ text: String) {
    #expect(SocketTable(parsing: text.utf8).entries.isEmpty)
  }
}
