import FleetProtocol
import Testing

@testable import FleetAgent

@Suite struct CommandLineTests {
  @Test func parsesEveryCommand() throws {
    #expect(try Invocation(parsing: ["run"]) == .run(configuration: nil))
    #expect(try Invocation(parsing: ["run", "--config", "x/agent.json"]) == .run(configuration: "x/agent.json"))
    #expect(try Invocation(parsing: ["run", "--config=a"]) == .run(configuration: "a"))
    #expect(try Invocation(parsing: ["status", "--json"]) == .status(configuration: nil, asJSON: true))
    #expect(try Invocation(parsing: ["keygen", "--out", "k"]) == .keygen(out: "k"))
    #expect(try Invocation(parsing: ["host-keys", "--port", "22"]) == .hostKeys(port: TCPPort(22)!))
    #expect(try Invocation(parsing: ["--version"]) == .version)
    #expect(try Invocation(parsing: ["--help"]) == .help)
    #expect(try Invocation(parsing: ["status", "--help"]) == .help)
  }

  @Test(arguments: [
    [], ["dance"], ["run", "--fast"], ["run", "x"], ["run", "--config"], ["run", "--json"], ["keygen"], ["host-keys"],
    ["host-keys", "--port", "0"], ["host-keys", "--port", "x"], ["--version", "x"],
  ])
  func refusesTheRest(arguments: [String]) {
    #expect { try Invocation(parsing: arguments) } throws: { ($0 as? Refusal)?.code == .usage }
  }

  @Test func manualNamesEveryCommandAndStatus() {
    for word in ["run", "status", "keygen", "host-keys", "--version", "exit status"] {
      #expect(Invocation.manual.contains(word))
    }
  }
}
