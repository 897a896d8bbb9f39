import Foundation
import Testing

/// ARCHITECTURE.md says what may import what; these tests hold the code to it.
@Suite struct LayeringTests {
  let checkout = Checkout()

  @Test func everyTargetImportsOnlyWhatTheTableAllows() throws {
    let rows = try checkout.table(under: "## What may import what", in: "ARCHITECTURE.md")
    #expect(rows.count >= 5)
    var targets: Set<String> = []
    for row in rows where row.count >= 2 {
      targets.insert(row[0])
      let allowed = Set(row[1].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
      let files = checkout.files(below: "Sources/\(row[0])", endingIn: ".swift")
      #expect(!files.isEmpty, "\(row[0]) has no Swift files")
      for file in files {
        let extra = Set(try checkout.imports(of: file)).subtracting(allowed)
        #expect(extra.isEmpty, "\(file) imports \(extra.sorted()), which ARCHITECTURE.md does not allow")
      }
    }
    let folders = Set(checkout.files(below: "Sources", endingIn: ".swift").map { String($0.split(separator: "/")[1]) })
    #expect(folders == targets)
  }

  @Test func filesThatDecideAreNamedAndReadNoClock() throws {
    let rows = try checkout.table(under: "## Files that decide", in: "ARCHITECTURE.md")
    #expect(rows.count >= 10)
    let acts = [
      "Date()", "Date.now", "ContinuousClock", "SuspendingClock", "clock_gettime", "gettimeofday", "time(nil)",
      "SystemRandomNumberGenerator", "getenv", "FileManager", "ProcessInfo", "Glibc.", "open(", "posix_spawn",
    ]
    for row in rows {
      let path = "Sources/\(row[0])"
      let text = try checkout.text(of: path).replacing("func open(", with: "")
      for word in acts where text.contains(word) { Issue.record("\(path) is named pure but has '\(word)'") }
      for match in text.matches(of: /\.random\([^)]*\)/) where !match.output.contains("using:") {
        Issue.record("\(path) draws random numbers of its own")
      }
      let acting = Set(["GRDB", "CLibSSH2", "CLinux", "Glibc", "FleetSSH", "Dispatch"])
      #expect(try acting.isDisjoint(with: checkout.imports(of: path)), "\(path) imports what acts")
    }
  }

  @Test func nothingDependsOnAnExecutable() throws {
    let manifest = try checkout.text(of: "Package.swift")
    for target in manifest.matches(
      of: /\.(target|executableTarget)\(\s*name: "(\w+)"[^\n]*(\n[^\n]*?)*?(?=\n    \.|\n  \])/)
    {
      for executable in ["FleetServer", "FleetAgent", "fleet"] where target.output.2 != executable {
        let dependencies = String(target.output.0).components(separatedBy: "dependencies:").dropFirst().joined()
        #expect(!dependencies.contains("\"\(executable)\""), "\(target.output.2) depends on \(executable)")
      }
    }
  }

  @Test func noNameSaysNothing() throws {
    let empty = ["Core", "Common", "Shared", "Utils", "Util", "Helpers", "Helper", "Manager"]
    for file in checkout.files(below: "Sources", endingIn: ".swift")
      + checkout.files(below: "Tests", endingIn: ".swift")
    {
      for part in file.split(separator: "/")
      where empty.contains(where: { part.replacing(".swift", with: "").hasSuffix($0) }) {
        Issue.record("\(file) has a name that says nothing")
      }
      for match in try checkout.text(of: file).matches(of: /\b(?:struct|class|enum|actor|protocol) (\w+)/)
      where empty.contains(where: { match.output.1.hasSuffix($0) }) {
        Issue.record("\(file) declares \(match.output.1), a name that says nothing")
      }
    }
  }

  @Test func everyOperatorRequestStandsInTheProtocolsTable() throws {
    let rows = try checkout.table(under: "## Operator requests", in: "PROTOCOL.md")
    let documented = Set(rows.compactMap { $0.first?.split(separator: " ").first.map(String.init) })
    let source = try checkout.text(of: "Sources/FleetProtocol/Requests.swift")
    let verbs = Set(source.matches(of: /case \("([a-z-]+)", \d\)/).map { String($0.output.1) })
    #expect(!verbs.isEmpty)
    #expect(verbs == documented)
  }

  @Test func everyRefusalStandsInTheProtocolsTable() throws {
    let rows = try checkout.table(under: "## Refusals", in: "PROTOCOL.md")
    let documented = Set(rows.map { $0[0] })
    let source = try checkout.text(of: "Sources/FleetProtocol/Refusal.swift")
    let codes = Set(source.matches(of: /case \w+ = "([a-z-]+)"/).map { String($0.output.1) })
    #expect(!codes.isEmpty)
    #expect(codes == documented)
  }

  @Test func everyFindingOfTheDoctorStandsInItsTable() throws {
    let rows = try checkout.table(under: "### What it looks at", in: "HOSTING.md")
    let source = try checkout.text(of: "Sources/FleetServer/Doctor/HostFinding.swift")
    let codes = source.matches(of: /\n    case (\w+)(?: = "([a-z-]+)")?/).map { String($0.output.2 ?? $0.output.1) }
    let severities: Set = ["serious", "warning", "note", "fine"]
    #expect(codes.count > 30)
    #expect(Set(codes).subtracting(severities) == Set(rows.flatMap { $0[0].split(separator: ", ").map(String.init) }))
  }

  /// Whoever reads the threat model must be able to run what it rests on.
  @Test func everyThreatNamesTestsThatAreThere() throws {
    let manifest = try checkout.text(of: "Package.swift")
    var suites = Set(manifest.matches(of: /name: "(\w+Tests)"/).map { String($0.output.1) })
    for file in checkout.files(below: "Tests", endingIn: ".swift") {
      suites.formUnion(try checkout.text(of: file).matches(of: /struct (\w+Tests)\b/).map { String($0.output.1) })
    }
    let targets = Set(try checkout.text(of: "Makefile").matches(of: /\n([a-z-]+):/).map { String($0.output.1) })
    let tables = ["## Who, and what they can do", "## What goes on when something of ours is broken"]
    let rows = try tables.flatMap { try checkout.table(under: $0, in: "SECURITY.md") }
    #expect(rows.count >= 12)
    for row in rows {
      let shown = try #require(row.last)
      let tests = shown.split(whereSeparator: { ", `".contains($0) }).map(String.init)
      let commands = shown.matches(of: /make ([a-z-]+)/).map { String($0.output.1) }
      #expect(!tests.isEmpty, "\(row)")
      for test in tests where test.hasSuffix("Tests") { #expect(suites.contains(test), "there is no \(test)") }
      for command in commands { #expect(targets.contains(command), "there is no make \(command)") }
    }
  }
}
