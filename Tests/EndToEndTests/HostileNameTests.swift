import Foundation
import Testing

/// A name that is not one: a clear sentence, status 2, and nothing written anywhere.
@Suite(.serialized) struct HostileNameTests {
  @Test func hostileNamesAreRefusedAndNothingIsWritten() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let names = [
        "-oProxyCommand=touch hacked", "a;b", "../x", "", String(repeating: "a", count: 10_000), "a\nb", "a\u{202E}b",
      ]
      let before = try lab.files()
      for name in names {
        for arguments in [
          ["provision", "--bundle", "x.tar", "--", name], ["show", "--", name], ["ssh", "--", name, "true"],
        ] {
          let outcome = try lab.run(lab.laptop, ["fleet"] + arguments)
          #expect(outcome.status == 2, "\(arguments.map { $0.prefix(30) }) \(outcome)")
          let lines = outcome.error.split(separator: "\n")
          #expect((1...2).contains(lines.count), "\(arguments.map { $0.prefix(30) }): \(outcome)")
          #expect(outcome.error.count < 500 && !outcome.error.contains("\u{202E}"))
          #expect(outcome.output.isEmpty)
        }
      }
      #expect(try lab.files() == before)
      #expect(try lab.fleetSucceeds("list", "--all", "--json").contains("\"devices\":[]"))
    }
  }
}

extension Lab {
  /// Every file of the laptop and the key file and leases of HostA, to see that nothing was written.
  fileprivate func files() throws -> String {
    try succeed(laptop, ["sh", "-c", "find . -type f | sort"])
      + String(contentsOf: serverHome.appending(path: "authorized_keys"), encoding: .utf8)
  }
}
