import CommandGrammar
import FleetProtocol
import Testing

@testable import fleet

/// What the word under the cursor may become.
@Suite struct CompletionTests {
  let known = LaptopNames(
    names: { prefix in
      ["attic-pi", "kitchen-pi", "kitchen-two"].filter { $0.hasPrefix(prefix) }.map { try! DeviceName(validating: $0) }
    },
    tags: {
      [("attic-pi", ["site": "paris", "old": ""]), ("kitchen-pi", ["site": "berlin", "note": "two words"])]
    },
    hosts: ["hosta.example"])

  /// What the real program completes; the last word is under the cursor.
  private func complete(_ words: String...) -> [String] {
    CompleteCommand.candidates(words, known: known).map { candidate in
      if case .word(let word, _) = candidate { word } else { candidate.line }
    }
  }

  @Test func commandsAndOptionsAreThoseOfTheHelp() {
    #expect(complete("re") == ["reject", "rename", "replace", "remove", "rekey"])
    #expect(complete("enroll-key", "") == ["create", "list", "remove"])
    #expect(complete("help", "sho") == ["show"])
    #expect(complete("list", "--al") == ["--all"])
    #expect(complete("list", "--all", "--al").isEmpty)
    #expect(!complete("").contains("complete"))
    #expect(complete("nonsense", "").isEmpty)
  }

  @Test func namesStandWhereADeviceIsMeant() {
    #expect(complete("show", "kit") == ["kitchen-pi", "kitchen-two"])
    #expect(complete("show", "--json", "a") == ["attic-pi"])
    #expect(complete("remove", "kitchen-pi", "kit") == ["kitchen-two"])
    #expect(complete("proxy", "a") == ["attic-pi"])
    #expect(complete("doctor", "root@at") == ["root@attic-pi"])
    #expect(complete("inventory", "--host", "a") == ["attic-pi"])
    // A name that nobody has yet.
    #expect(complete("provision", "kit").isEmpty)
    #expect(complete("rename", "attic-pi", "kit").isEmpty)
  }

  @Test func sshsOwnOptionsArePassedOver() {
    #expect(complete("ssh", "kit") == ["kitchen-pi", "kitchen-two"])
    #expect(complete("ssh", "-v", "-L", "80:localhost:80", "root@at") == ["root@attic-pi"])
    #expect(complete("ssh", "-vL", "80:localhost:80", "--", "at") == ["attic-pi"])
    #expect(complete("ssh", "-L80:localhost:80", "at") == ["attic-pi"])
    #expect(complete("ssh", "-L", "at").isEmpty)
    #expect(complete("ssh", "-i", "id") == [":files"])
    #expect(complete("ssh", "kitchen-pi", "at").isEmpty)
  }

  @Test func filesGoToAndFromDevices() {
    #expect(complete("cp", "-r", "att") == ["attic-pi:", ":files"])
    #expect(complete("rsync", "-e", "x", "file", "pi@att") == ["pi@attic-pi:", ":files"])
    #expect(complete("sftp", "att") == ["attic-pi"])
    #expect(complete("forward", "att") == ["attic-pi"])
    #expect(complete("forward", "attic-pi", "80").isEmpty)
  }

  @Test func aHostAIsCompletedBeforeTheCommandToo() {
    #expect(complete("--ho") == ["--host"])
    #expect(complete("--host", "h") == ["hosta.example"])
    #expect(complete("hosts", "default", "") == ["hosta.example"])
  }

  @Test func aSelectorIsCompletedWordByWord() {
    #expect(complete("list", "k") == ["kitchen-pi", "kitchen-two"])
    #expect(complete("exec", "--parallel", "2", "a") == ["attic-pi"])
    #expect(complete("exec", "kitchen-pi", "--", "a").isEmpty)
    #expect(complete("list", "!kitchen-t") == ["!kitchen-two"])
    #expect(complete("list", "t") == ["tag="])
    #expect(complete("list", "tag=s") == ["tag=site", "tag=site:berlin", "tag=site:paris"])
    #expect(complete("list", "!tag=site:b") == ["!tag=site:berlin"])
    #expect(complete("list", "state=o") == ["state=online", "state=offline"])
    #expect(complete("list", "state=stale,on") == ["state=stale,online"])
    // A value that a shell would cut in two is not offered.
    #expect(complete("list", "tag=no").isEmpty)
  }

  @Test func tagsAreSetAndRemoved() {
    #expect(complete("tag", "att") == ["attic-pi"])
    #expect(complete("tag", "attic-pi", "si") == ["site=berlin", "site=paris", "site-"])
    #expect(complete("tag", "attic-pi", "old") == ["old-"])
  }

  @Test func valuesOfOptionsAreFilesOrWhatTheHelpSays() {
    #expect(complete("provision", "new", "--bundle", "x") == [":files"])
    #expect(complete("provision", "new", "--image", "/m") == [":folders"])
    #expect(complete("provision", "new", "--bundle=x") == [":files"])
  }

  @Test func aPlaceIsAFileOrADevice() {
    #expect(DeviceCompletion.places(known, word: "att") == [.word("attic-pi:", about: ""), .files])
    #expect(DeviceCompletion.places(known, word: "pi@att") == [.word("pi@attic-pi:", about: ""), .files])
    #expect(DeviceCompletion.places(known, word: "./att") == [.files])
    #expect(DeviceCompletion.places(known, word: "attic-pi:/e").isEmpty)
  }

  @Test func aTagWithManyValuesIsOfferedByItsKeyAlone() {
    var known = known
    known.tags = { (0..<30).map { ("d\($0)", ["serial": "s\($0)"]) } }
    #expect(DeviceCompletion.selectors(known, word: "tag=") == [.word("tag=serial", about: "30 devices")])
    #expect(DeviceCompletion.selectors(known, word: "tag=serial:s29") == [.word("tag=serial:s29", about: "1 device")])
  }
}
