import FleetProtocol
import Testing

@testable import FleetServer

/// Lines of `authorized_keys` as sshd reads them.
@Suite struct AuthorizedKeyTests {
  @Test func ourOwnLineIsUnderstood() throws {
    let entry = KeyFileText.Device(
      id: DeviceID(random: 7), port: try #require(TCPPort(20007)), key: try sampleKey(1), standing: .next,
      expires: Timestamp(seconds: 1_000_000_000))
    for home in [nil, "/srv/f"] {
      let line = KeyLine.device(entry, command: ForcedCommand(executable: "/opt/fleet-server", home: home))
      let key = try #require(AuthorizedKey(parsing: line))
      #expect(try key.key == sampleKey(1).description && key.comment == "fleet:\(entry.id)")
      #expect(key.value(of: "permitlisten") == "127.0.0.1:20007" && !key.isOpen)
      #expect(key.fleetServerCommand == ["/opt/fleet-server", "device", "\(entry.id)", "20007", "next"])
    }
  }

  @Test func otherPeoplesLinesAreUnderstood() throws {
    let key = try sampleKey(2)
    let plain = try #require(AuthorizedKey(parsing: "  \(key) me@home with blanks"))
    #expect(plain.options.isEmpty && plain.comment == "me@home with blanks" && plain.fleetServerCommand == nil)
    let quoted = try #require(
      AuthorizedKey(parsing: #"from="10.0.0.0/8,*.example",command="echo \"a, b\" c",No-Pty \#(key)"#))
    #expect(quoted.value(of: "command") == #"echo "a, b" c"# && quoted.has("no-pty") && quoted.comment.isEmpty)
  }

  @Test(arguments: [
    "", "# a comment", "ssh-ed25519", "ssh-ed25519 AAAA", "restrict", "frobnicate KEY", #"command="open KEY"#,
    "restrict, KEY", ",restrict KEY", #"command=echo KEY"#, "ssh-rsa BLOB",
    "restrict KEY".replacing("KEY", with: "nonsense"),
  ]) func whatSSHDPassesOver(_ line: String) throws {
    let key = try sampleKey(3)
    let text = line.replacing("KEY", with: key.description).replacing("BLOB", with: key.base64)
    #expect(AuthorizedKey(parsing: text) == nil)
  }

  @Test(arguments: [
    (#"permitlisten="127.0.0.1:1""#, true), (#"permitlisten="127.0.0.1:1",permitopen="127.0.0.1:1""#, false),
    (#"restrict,permitlisten="127.0.0.1:1""#, false), (#"restrict,port-forwarding,permitlisten="1""#, true),
    (#"no-port-forwarding,permitlisten="1""#, false), ("restrict,port-forwarding", false),
  ]) func anOpenLine(_ options: String, _ isOpen: Bool) throws {
    #expect(try #require(AuthorizedKey(parsing: "\(options) \(sampleKey(4))")).isOpen == isOpen)
  }

  @Test(arguments: [
    #"command="exec /opt/fleet-server device 1 2""#, #"restrict,command="/opt/fleet-server device 1 2""#,
    #"restrict,command="exec sh -c x""#, "restrict",
  ]) func otherCommandsAreNotOurs(_ options: String) throws {
    #expect(try #require(AuthorizedKey(parsing: "\(options) \(sampleKey(5))")).fleetServerCommand == nil)
  }
}
