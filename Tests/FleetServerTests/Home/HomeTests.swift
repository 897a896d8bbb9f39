import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

@Suite struct HomeTests {
  private func located(_ option: String?, _ environment: [String: String]) throws -> String {
    try Home.locate(option: option) { environment[$0] }.path
  }

  @Test func optionThenVariableThenDefault() throws {
    let all = ["FLEET_SERVER_HOME": "/b", "XDG_STATE_HOME": "/c", "HOME": "/d"]
    #expect(try located("/a/", all) == "/a")
    #expect(try located(nil, all) == "/b")
    #expect(try located(nil, ["XDG_STATE_HOME": "/c", "HOME": "/d"]) == "/c/fleet-server")
    #expect(try located(nil, ["FLEET_SERVER_HOME": "", "HOME": "/d"]) == "/d/.local/state/fleet-server")
    #expect(throws: Refusal.self) { try located(nil, [:]) }
  }

  @Test func whoeverCouldReplaceTheFolderIsFound() {
    func objection(owner: UInt32, mode: UInt32, isHome: Bool = false) -> Bool {
      FolderTrust(path: "/x", owner: owner, mode: mode).objection(account: 1000, isHome: isHome) != nil
    }
    #expect(!objection(owner: 0, mode: 0o755) && !objection(owner: 1000, mode: 0o700))
    #expect(!objection(owner: 0, mode: 0o1777), "a sticky folder such as /tmp")
    #expect(
      objection(owner: 1001, mode: 0o755) && objection(owner: 0, mode: 0o777) && objection(owner: 1000, mode: 0o775))
    #expect(!objection(owner: 1000, mode: 0o700, isHome: true))
    #expect(objection(owner: 0, mode: 0o700, isHome: true) && objection(owner: 1000, mode: 0o750, isHome: true))
  }

  @Test func aFolderThatOthersMayWriteIsRefused() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/open", withIntermediateDirectories: false)
    chmod(folder.path + "/open", 0o777)
    let refusal = #expect(throws: Refusal.self) { try HomeFolder.make(Home(path: folder.path + "/open/home")) }
    #expect(refusal?.code == .homeUnusable)
  }

  @Test(arguments: ["/a b", "/a\"b", "/a,b", "/a\nb", "/ä", "a/b", ""]) func pathsThatSSHDWouldMisread(_ path: String) {
    #expect(throws: Refusal.self) { try SafePath.check(path, what: "x") }
  }

  @Test func ordinaryPaths() throws { try SafePath.check("/opt/fleet+1/x_y-z@2/fleet-server.d", what: "x") }
}

@Suite struct HostSettingsTests {
  @Test func theySurviveTheirFile() throws {
    let settings = HostSettings(
      address: "hosta.example", listen: try #require(ListenAddress(parsing: "[::]:2222")),
      ports: try #require(PortRange(parsing: "20000-20009")), sshdMode: .system,
      account: try LoginName(validating: "fleet"))
    #expect(try HostSettings(parsing: JSON.object(settings.object).text.utf8) == settings)
  }

  @Test(arguments: [
    "", "{}", #"{"v":2}"#,
    #"{"v":1,"address":"-x","listen":"0.0.0.0:1","ports":"1-2","sshd_mode":"private","account":"a"}"#,
  ])
  func nonsense(_ text: String) { #expect(throws: JSONError.self) { try HostSettings(parsing: text.utf8) } }
}

@Suite struct ListenAddressTests {
  @Test(arguments: ["0.0.0.0:2222", "127.0.0.1:65535", "[::]:22", "[2001:db8::1]:2222"]) func addresses(_ text: String)
  {
    #expect(ListenAddress(parsing: text)?.description == text)
  }

  @Test(arguments: [
    "", "2222", ":2222", "0.0.0.0", "0.0.0.0:0", "0.0.0.0:65536", "::1:22", "[1.2.3.4]:22", "host:22",
    "[fe80::1%eth0]:22", "0.0.0.0:22\nPermitRootLogin yes",
  ])
  func others(_ text: String) { #expect(ListenAddress(parsing: text) == nil) }
}

@Suite struct PortRangeRuleTests {
  private func isAllowed(_ range: String, ephemeral: String?) -> Bool {
    guard let range = PortRange(parsing: range) else { return false }
    return (try? PortRangeRule.check(range, ephemeral: ephemeral.flatMap { PortRangeRule.ephemeral(parsing: $0) }))
      != nil
  }

  @Test func neitherPrivilegedNorEphemeral() {
    #expect(isAllowed("20000-29999", ephemeral: "32768\t60999"))
    #expect(isAllowed("61000-65535", ephemeral: "32768\t60999"))
    #expect(!isAllowed("20000-32768", ephemeral: "32768\t60999"))
    #expect(!isAllowed("60999-61010", ephemeral: "32768\t60999"))
    #expect(!isAllowed("1024-65535", ephemeral: "32768\t60999"))
    #expect(!isAllowed("1023-2000", ephemeral: nil))
    #expect(isAllowed("20000-40000", ephemeral: nil))
  }
}

@Suite struct AccountTests {
  @Test func aShellThatRunsNothingIsRefused() throws {
    func account(_ shell: String) throws -> Account {
      Account(name: try LoginName(validating: "fleet"), uid: 1, homeFolder: "/home/fleet", shell: shell)
    }
    #expect(try account("/usr/sbin/nologin").shellObjection != nil)
    #expect(try account("/bin/false").shellObjection != nil)
    #expect(try account("/bin/sh").shellObjection == nil)
    #expect(try account("").shellObjection == nil, "sshd takes /bin/sh")
  }
}
