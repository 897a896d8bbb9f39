import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct SSHConnectionTests {
  @Test(arguments: [
    ("203.0.113.9 51234 198.51.100.1 2222", "203.0.113.9 51234 198.51.100.1 2222"),
    ("::ffff:203.0.113.9 1 ::ffff:198.51.100.1 2", "203.0.113.9 1 198.51.100.1 2"),
    ("2001:db8::1 1 2001:DB8:0::2 2", "2001:db8::1 1 2001:db8::2 2"),
    ("fe80::1%eth0 1 fe80::2%eth0 2", "fe80::1 1 fe80::2 2"),
  ])
  func bothFamilies(_ text: String, _ normal: String) throws {
    let connection = try #require(SSHConnection(parsing: text))
    #expect(connection.description == normal)
    #expect(SSHConnection(parsing: normal) == connection)
  }

  @Test(arguments: [
    "", "UNKNOWN 65535 UNKNOWN 65535", "1.2.3.4 0 1.2.3.4 1", "1.2.3.4 1 1.2.3.4", "1.2.3.4  1 1.2.3.4 1",
    "1.2.3.4 1 1.2.3.4 1 x",
  ])
  func anythingElse(_ text: String) { #expect(SSHConnection(parsing: text) == nil) }
}
