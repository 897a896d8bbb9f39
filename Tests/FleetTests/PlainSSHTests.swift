import FleetProtocol
import Testing

@testable import fleet

/// What `fleet config-ssh` writes, as text and as ssh itself understands it.
@Suite struct PlainSSHTests {
  @Test(arguments: [
    ("kitchen-pi", nil), ("kitchen-pi.fleet", nil), ("kitchen-pi.hosta.example.fleet", "hosta.example"), ("fleet", nil),
  ])
  func namesOfHosts(text: String, host: String?) throws {
    let name = try FleetHostName(parsing: text)
    #expect(name.host == host && text.hasPrefix(name.device.rawValue))
    #expect(try FleetHostName(parsing: name.description) == name)
  }

  @Test(arguments: ["", ".fleet", "Kitchen-Pi.fleet", "kitchen-pi.example", "a b.fleet", "a'b.fleet", "-x.fleet"])
  func whatIsNoHost(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try FleetHostName(parsing: text) }
    #expect(refusal?.code == .nameInvalid)
  }

  @Test func aDeviceOfAnotherHostAIsCalledByBoth() throws {
    var configuration = Configuration()
    func add(_ target: String) throws -> ConfiguredHost {
      try configuration.add(LoginTarget(parsing: target), name: nil, identity: nil, hostKeys: [Sample.hostKey])
    }
    let (first, second) = (try add("pi@a.example"), try add("pi@b.example"))
    #expect(FleetHostName(Sample.kitchen, on: second, of: configuration).description == "kitchen-pi")
    #expect(FleetHostName(Sample.kitchen, on: first, of: configuration).description == "kitchen-pi.a.example.fleet")
  }

  @Test(arguments: ["", "Host *\n  User bob\n", "\n\n# mine", "Host x\r\n\tPort 1\r\n", "\u{FEFF}Host é\n"])
  func theLineGoesInAndOutAndEveryOtherByteStays(_ text: String) {
    let line = IncludeLine(path: "/home/me/a b/ssh_config")
    let content = Array(text.utf8)
    let added = line.adding(to: content)
    #expect(String(decoding: added, as: UTF8.self) == "Include \"/home/me/a b/ssh_config\"\n" + text)
    #expect(line.adding(to: added) == added && line.removing(from: added) == content)
    #expect(line.removing(from: content) == content)
  }

  @Test func theLineIsMovedToTheTopAndAnothersIsLeftAlone() {
    let line = IncludeLine(path: "/f")
    let content = Array("Host x\nInclude \"/f\"\nInclude /f\nInclude \"/g\"\n".utf8)
    #expect(
      String(decoding: line.adding(to: content), as: UTF8.self)
        == "Include \"/f\"\nHost x\nInclude /f\nInclude \"/g\"\n")
  }

  @Test func bytesThatAreNoTextStay() {
    let content: [UInt8] = [0xFF, 0x00, 0x0A, 0x80]
    let line = IncludeLine(path: "/f")
    #expect(line.removing(from: line.adding(to: content)) == content)
  }

  @Test func theDevicesOfAHostAThatIsGoneAreForgotten() throws {
    let names = ["kitchen-pi.fleet", "kitchen-pi.office.fleet", "attic-pi.home.example.fleet", "other.example"]
    func left(host: String, unnamed: Bool) -> [String] {
      var book = LoginBook()
      for name in names { book.set(Sample.pi, for: name) }
      book.forget(host: host, unnamed: unnamed)
      return book.logins.keys.sorted()
    }
    #expect(left(host: "office", unnamed: false) == [names[2], names[0], names[3]])
    #expect(left(host: "home.example", unnamed: true) == [names[1], names[3]])
    #expect(left(host: "fleet", unnamed: false) == names.sorted())
  }

  @Test func loginsAreReadAsTheyWereWritten() throws {
    var book = LoginBook()
    let root = try LoginName(validating: "root")
    for number in 0..<250 { book.set(number == 7 ? root : Sample.pi, for: "box-\(number).fleet") }
    #expect(LoginBook(parsing: book.text) == book && book.text.split(separator: "\n").count == 1 + 2 * 4)
    #expect(book.finding(on: "box-7.fleet", login: root) == .known)
    #expect(book.finding(on: "box-7.fleet", login: Sample.pi) == .changed(from: root))
    #expect(book.finding(on: "box-7", login: root) == .unknown)
    #expect(LoginBook(parsing: "User pi\nHost\nHost a\n User x y\n").logins.isEmpty)
  }

  @Test func sshUnderstandsTheBlockAndOnlyForDevices() throws {
    try Scratch.with { folder in
      let place = "\(folder)/a place"
      var book = LoginBook()
      book.set(Sample.pi, for: "kitchen-pi.fleet")
      try FileStore.replace("\(place)/ssh_logins", with: book.text.utf8)
      let block = PlainSSHConfiguration(program: "/usr/bin/true", logins: "\(place)/ssh_logins", made: ["/x/.ssh"])
      try FileStore.replace("\(place)/ssh_config", with: block.text.utf8)
      #expect(PlainSSHConfiguration.made(in: block.text) == ["/x/.ssh"])
      let mine = IncludeLine(path: "\(place)/ssh_config").adding(to: Array("Host *\n  User bob\n  Port 23\n".utf8))
      try FileStore.replace("\(folder)/config", with: mine)
      func lines(_ host: String) throws -> [String] {
        let outcome = try Subprocess.run(["ssh", "-G", "-F", "\(folder)/config", host])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        return outcome.text.split(separator: "\n").map(String.init)
      }
      let device = try lines("kitchen-pi.fleet")
      for line in [
        "user pi", "port 23", "proxycommand '/usr/bin/true' proxy --pass '%n'", "proxyusefdpass yes",
        "knownhostscommand \"/usr/bin/true\" known-hosts %n %I %t %K %H", "userknownhostsfile /dev/null",
        "globalknownhostsfile /dev/null", "updatehostkeys false", "verifyhostkeydns false", "checkhostip no",
      ] {
        #expect(device.contains(line), "\(line)")
      }
      #expect(device.contains("stricthostkeychecking true") || device.contains("stricthostkeychecking yes"))
      #expect(try lines("root@kitchen-pi.fleet").contains("user root"))
      for host in ["example.org", "kitchen-pi", "fleet"] {
        let other = try lines(host)
        #expect(other.contains("user bob") && !other.contains { $0.contains("/usr/bin/true") }, "\(host)")
      }
    }
  }

  @Test(arguments: ["relative", "/a'b", "/a\"b", "/100%", "/a$b", "/a\\b", "/a*", "/a[b]", "/a\nb"])
  func aPathThatSshCannotBeTold(_ path: String) {
    let refusal = #expect(throws: Refusal.self) { try PlainSSHConfiguration.check(path: path) }
    #expect(refusal?.code == .usage)
    #expect(throws: Never.self) { try PlainSSHConfiguration.check(path: "/home/a b/é/fleet-1.0_x") }
  }

  @Test func aChangeIsShownAsDiffShowsIt() throws {
    func difference(_ old: String?, _ new: String?) -> String {
      FileChange(path: "/c", old: old.map { Array($0.utf8) }, new: new.map { Array($0.utf8) }).difference
    }
    #expect(difference("a\n", "a\n").isEmpty)
    #expect(difference(nil, "a\nb\n") == "--- /dev/null\n+++ /c\n@@ -0,0 +1,2 @@\n+a\n+b\n")
    #expect(difference("a\n", nil) == "--- /c\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n")
    #expect(
      difference("1\n2\n3\n4\n5\nx\n7\n", "1\n2\n3\n4\n5\ny\n7\n")
        == "--- /c\n+++ /c\n@@ -3,5 +3,5 @@\n 3\n 4\n 5\n-x\n+y\n 7\n")
    #expect(difference("1\n", "I\n1\n").hasSuffix("@@ -1,1 +1,2 @@\n+I\n 1\n"))
    #expect(difference("", "\u{1B}[2J").hasSuffix("+\\u{1b}[2J\n"))
  }
}
