import FleetProtocol
import Testing

@testable import fleet

/// To Swift a quote with an accent on it is another Character than a quote; to every other program it is a quote.
@Suite struct QuotingTests {
  private static let accent = "\u{301}"

  @Test func aQuoteWithAnAccentEndsNoShellWord() {
    #expect(ShellWord.quoted("a'\(Self.accent);id") == "'a'\\''\(Self.accent);id'")
    #expect(ShellWord.quoted("it's") == "'it'\\''s'")
  }

  @Test func aQuoteWithAnAccentEndsNoSSHOption() {
    #expect(
      SSHOptionValue.path("a\"\(Self.accent)b\\\(Self.accent)%\(Self.accent)")
        == "\"a\\\"\(Self.accent)b\\\\\(Self.accent)%%\(Self.accent)\"")
    #expect(SSHOptionValue.proxyCommandWord("%\(Self.accent)h") == "'%%\(Self.accent)h'")
    #expect(throws: Refusal.self) { try PlainSSHConfiguration.check(path: "/a\"\(Self.accent)") }
  }

  @Test func aDevicesVersionAddsNoLabelToTheMetrics() {
    #expect(PrometheusText.escapedLabel("1\"\(Self.accent),up=\"1") == "1\\\"\(Self.accent),up=\\\"1")
  }

  @Test func aQuoteWithAnAccentEndsNoFieldOfATable() throws {
    let row = ["a\"\(Self.accent),b", "c"]
    #expect(try CSV.rows(in: Array(CSV.line(row).utf8)).map(\.fields) == [row])
  }

  @Test func aTagIsNoTemplateForAnsible() throws {
    let way = AnsibleInventory.Way(program: "/usr/bin/fleet", host: Sample.host)
    let tag = AnsibleInventory.variables(Sample.device(tags: ["a": "{{\(Self.accent) x }}"]), way: way)["fleet_tags"]
    guard case .object(let tags)? = tag, case .object(let value)? = tags["a"] else {
      Issue.record("\(String(describing: tag)) is given as it is")
      return
    }
    #expect(value["__ansible_unsafe"] != nil)
  }
}
