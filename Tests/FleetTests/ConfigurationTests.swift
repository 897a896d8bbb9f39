import FleetProtocol
import Testing

@testable import fleet

@Suite struct ConfigurationTests {
  private let host = ConfiguredHost(
    name: "hosta.example", account: try! LoginName(validating: "fleet"), address: "hosta.example",
    port: TCPPort(2222)!, identity: "/home/a b/id", hostKeys: [Sample.hostKey])

  @Test func whatIsWrittenIsRead() throws {
    let configuration = Configuration(defaultHost: "hosta.example", hosts: [host])
    #expect(try Configuration(parsing: configuration.text.utf8) == configuration)
    #expect(configuration.pins == "fleet-host-hosta.example \(Sample.hostKey)\n")
  }

  @Test(arguments: [
    "", "[]", #"{"v":2,"hosts":[]}"#, #"{"v":1}"#, #"{"v":1,"hosts":[{}]}"#,
    #"{"v":1,"hosts":[{"name":"..","account":"a","address":"b","port":1,"host_keys":["KEY"]}]}"#,
    #"{"v":1,"hosts":[{"name":"a/b","account":"a","address":"b","port":1,"host_keys":["KEY"]}]}"#,
    #"{"v":1,"hosts":[{"name":"a","account":"a","address":"-oProxyCommand=x","port":1,"host_keys":["KEY"]}]}"#,
    #"{"v":1,"hosts":[{"name":"a","account":"a","address":"b","port":1,"host_keys":[]}]}"#,
  ])
  func anythingElseIsRefused(_ text: String) {
    let text = text.replacing("KEY", with: Sample.hostKey.description)
    let refusal = #expect(throws: Refusal.self) { try Configuration(parsing: text.utf8) }
    #expect(refusal?.code == .configurationInvalid)
  }

  @Test func withoutLoginThereIsNoHost() {
    let refusal = #expect(throws: Refusal.self) { try Configuration().host(named: nil) }
    #expect(refusal?.code == .notLoggedIn && refusal?.hint?.contains("fleet login") == true)
  }

  @Test func relativeXDGFoldersCountAsNotSet() {
    let paths = FleetPaths(home: "/home/a", xdgConfigHome: "", xdgStateHome: "relative")
    #expect(paths.configurationFile == "/home/a/.config/fleet/config.json")
    #expect(paths.hostPins == "/home/a/.local/state/fleet/known_hosts")
    #expect(FleetPaths(home: "/h", xdgConfigHome: "/x", xdgStateHome: nil).configurationFolder == "/x/fleet")
  }

  @Test(arguments: [
    ("fleet@hosta.example", "hosta.example", 2222), ("fleet@hosta:22", "hosta", 22),
    ("fleet@10.0.0.1:1", "10.0.0.1", 1),
    ("fleet@[::1]:2200", "::1", 2200), ("fleet@[::1]", "::1", 2222), ("fleet@2001:db8::1", "2001:db8::1", 2222),
  ])
  func loginTargets(text: String, address: String, port: Int) throws {
    let target = try LoginTarget(parsing: text)
    #expect(target.account.rawValue == "fleet" && target.address == address && Int(target.port.rawValue) == port)
  }

  @Test(arguments: [
    "hosta", "@hosta", "fleet@", "fleet@-oProxyCommand=x", "fleet@a:0", "fleet@a:65536", "fleet@[::1", "fleet@a b",
    "fleet@..", "fleet@a:22x", "fleet@[::1]x",
  ])
  func badLoginTargets(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try LoginTarget(parsing: text) }
    #expect(refusal?.code.exitStatus == .usage)
  }
}
