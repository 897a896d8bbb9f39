import FleetProtocol
import Testing

@testable import fleet

@Suite struct SSHCommandLineTests {
  @Test(
    arguments: [
      (["kitchen-pi"], [], []),
      (["kitchen-pi", "uname", "-a"], [], ["uname", "-a"]),
      (["kitchen-pi", "--", "-x", "y"], [], ["-x", "y"]),
      (["--", "kitchen-pi", "-x"], [], ["-x"]),
      (["-tt", "-v", "kitchen-pi"], ["-t", "-t", "-v"], []),
      (["-L", "1:2:3", "kitchen-pi"], ["-L", "1:2:3"], []),
      (["-vL1:2:3", "kitchen-pi"], ["-v", "-L", "1:2:3"], []),
      (["-vL", "1:2:3", "kitchen-pi"], ["-v", "-L", "1:2:3"], []),
      (["-W", "10.0.0.5:22", "kitchen-pi"], ["-W", "10.0.0.5:22"], []),
      (["-vPlab", "kitchen-pi"], ["-v", "-o", "Tag=lab"], []),
      (["-e", "-", "kitchen-pi", "-"], ["-e", "-"], ["-"]),
      (["-o", "", "kitchen-pi"], ["-o", ""], []),
      (["-i", "kitchen", "kitchen-pi", "-4", "--", "ls"], ["-i", "kitchen", "-4"], ["ls"]),
      (
        ["-o", "BatchMode=yes", "-oLogLevel=DEBUG", "kitchen-pi"], ["-o", "BatchMode=yes", "-o", "LogLevel=DEBUG"], []
      ),
      (["kitchen-pi", "a b", "", "'"], [], ["a b", "", "'"]),
    ] as [([String], [String], [String])])
  func splitsAsSSHDoes(arguments: [String], options: [String], command: [String]) throws {
    let line = try SSHCommandLine(parsing: arguments)
    #expect(line.device == Sample.kitchen && line.options == options && line.command == command && line.user == nil)
  }

  /// Every letter of ssh(1) alone, in a bundle, and where it takes a value with that joined and apart.
  @Test func everyOptionOfSSH() throws {
    for letter in "246afgkqnstvxACKNTXYy" {
      for words in [["-\(letter)", "kitchen-pi"], ["kitchen-pi", "-\(letter)"]] {
        #expect(try SSHCommandLine(parsing: words).options == ["-\(letter)"])
      }
      let bundled = try SSHCommandLine(parsing: ["-v\(letter)L", "1:2:3", "kitchen-pi", "--", "-x"])
      #expect(bundled.options == ["-v", "-\(letter)", "-L", "1:2:3"] && bundled.command == ["-x"])
    }
    for letter in "bceimBDEFILRwW" {
      for words in [["-\(letter)value"], ["-\(letter)", "value"], ["-v\(letter)value"], ["-v\(letter)", "value"]] {
        let options = try SSHCommandLine(parsing: words + ["kitchen-pi"]).options.filter { $0 != "-v" }
        #expect(options == ["-\(letter)", "value"], "\(words)")
      }
      let last = #expect(throws: Refusal.self) { try SSHCommandLine(parsing: ["kitchen-pi", "-\(letter)"]) }
      #expect(last?.message == "the option '-\(letter)' needs a value")
    }
  }

  @Test func aURIIsRefusedWithASentence() {
    let refusal = #expect(throws: Refusal.self) { try SSHCommandLine(parsing: ["ssh://bob@kitchen-pi:22"]) }
    #expect(refusal?.code == .nameInvalid && refusal?.message == "a device is called by its name, not by ssh://")
  }

  @Test func userAtName() throws {
    #expect(try SSHCommandLine(parsing: ["root@kitchen-pi"]).user == "root")
    let named = try SSHCommandLine(parsing: ["kitchen-pi", "-vl", "bob", "-lcarol", "ls"])
    #expect(named.user == "bob" && named.options == ["-v"] && named.command == ["ls"])
    #expect(try SSHCommandLine(parsing: ["-lbob", "root@kitchen-pi"]).user == "root")
    #expect(try SSHCommandLine(parsing: ["DOM\\u@x@kitchen-pi"]).user == "DOM\\u@x")
  }

  @Test(arguments: [
    "-oProxyCommand=x", "a;b", "../x", "", String(repeating: "a", count: 10_000), "a\nb", "a\u{202E}b", "-", "A",
    "root@", "@kitchen-pi", "-x@kitchen-pi", "a\nb@kitchen-pi", "ssh://kitchen-pi",
  ])
  func hostileNames(_ name: String) {
    let refusal = #expect(throws: Refusal.self) { try SSHCommandLine(parsing: ["--", name, "true"]) }
    #expect(refusal?.code == .nameInvalid && refusal?.code.exitStatus == .usage)
    #expect((refusal?.message.count ?? 0) < 150)
    #expect(refusal?.message.unicodeScalars.contains { $0 == "\n" || $0 == "\u{202E}" } == false)
  }

  @Test(
    arguments: [
      [], ["-v"], ["--"], ["-Z", "kitchen-pi"], ["-L"], ["kitchen-pi", "-l"], ["-:", "kitchen-pi"],
      ["--version", "kitchen-pi"],
      ["-J", "x", "kitchen-pi"], ["-1", "kitchen-pi"], ["-P"], ["-p", "22", "kitchen-pi"], ["kitchen-pi", "-p22"],
      ["-S", "x", "kitchen-pi"], ["-M", "kitchen-pi"], ["-O", "exit", "kitchen-pi"], ["-G", "kitchen-pi"],
      ["-o", "ProxyCommand=x", "kitchen-pi"], ["-oproxycommand x", "kitchen-pi"],
      ["-o", " ProxyJump = x", "kitchen-pi"],
      ["-vo", "PROXYUSEFDPASS=no", "kitchen-pi"], ["-oPort=1", "kitchen-pi"],
    ] as [[String]])
  func usage(_ arguments: [String]) {
    let refusal = #expect(throws: Refusal.self) { try SSHCommandLine(parsing: arguments) }
    #expect(refusal?.code == .usage, "\(String(describing: refusal))")
  }

  @Test func aLongOptionIsNamedWhole() {
    let refusal = #expect(throws: Refusal.self) { try SSHCommandLine(parsing: ["kitchen-pi", "--bogus"]) }
    #expect(refusal?.message == "ssh has no option '--bogus'")
  }
}
