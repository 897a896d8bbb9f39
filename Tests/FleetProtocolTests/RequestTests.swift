import FleetProtocol
import Testing

@Suite struct RequestTests {
  @Test func wordsAreSplitAtSingleSpaces() throws {
    #expect(try RequestTokenizer.words(of: "show kitchen-pi") == ["show", "kitchen-pi"])
    #expect(try RequestTokenizer.words(of: "fleet-server list") == ["list"])
  }

  @Test(arguments: [
    "", " ", "list ", " list", "show  a", "show\ta", "list;id", "list|id", "$(id)", "`id`", "list\nid", "list\0", "a'b",
    "a\"b", "a\\b", "a*", "a>b", "é", "fleet-server", "a b c d e f g h i", String(repeating: "a", count: 1025),
  ])
  func nothingOfAShellGetsThrough(_ request: String) {
    #expect(throws: Refusal.self) { try RequestTokenizer.words(of: request) }
  }

  @Test func aDeviceMayClaimReportAndRotateItsKey() throws {
    #expect(try DeviceRequest(parsing: "rotate-key") == .rotateKey)
    #expect(try DeviceRequest(parsing: "claim") == .claim)
    #expect(try DeviceRequest(parsing: "fleet-server report") == .report)
  }

  @Test(arguments: [
    "list", "connect kitchen-pi", "claim 20007", "provision x", "rotate-key x", "remove x", "rename x y", "sh",
    "/bin/sh", "claim x",
  ])
  func aDeviceMayNothingElse(_ request: String) {
    #expect { try DeviceRequest(parsing: request) } throws: { ($0 as? Refusal)?.code == .requestRefused }
  }

  @Test func anEnrollKeyMayJoinAndNothingElse() throws {
    #expect(try EnrollKeyRequest(parsing: "join") == .join)
    #expect(try EnrollKeyRequest(parsing: "fleet-server join") == .join)
    for request in [
      "claim", "report", "attach", "rotate-key", "list", "pending", "approve a", "provision a", "provision-many", "sh",
      "join x", "enroll-key-create", "connect a",
    ] {
      #expect { try EnrollKeyRequest(parsing: request) } throws: { ($0 as? Refusal)?.code == .requestRefused }
    }
  }

  @Test(arguments: [
    "list", "version", "show a", "provision a", "provision-many", "enroll a", "connect a", "rename a b", "tag a",
    "replace a", "remove a", "rekey a", "enroll-key-create", "enroll-keys", "enroll-key-remove 5f0c2a91", "pending",
    "approve a", "reject a", "select", "log", "queue-add", "queue", "queue-take 5f0c2a91 a", "queue-done 5f0c2a91 a",
    "queue-cancel 5f0c2a91",
  ])
  func anOperatorsRequestIsWrittenAsItIsRead(_ request: String) throws {
    #expect(try OperatorRequest(parsing: request).command == request)
  }

  @Test(arguments: [
    "sh", "list a", "show", "claim", "report", "device 1 2", "operator bob", "run", "scp", "connect a b", "rename a",
    "tag a b", "remove", "rotate-key", "replace a b", "join", "enroll-key 5f0c2a91", "pending a", "approve",
    "approve a b", "select a", "log a", "queue a", "queue-add a", "queue-take 5f0c2a91", "queue-cancel",
  ])
  func anOperatorMayNothingElse(_ request: String) {
    #expect { try OperatorRequest(parsing: request) } throws: { ($0 as? Refusal)?.code == .requestRefused }
  }

  @Test(arguments: [
    "show -oProxyCommand=x", "connect ../x", "show A", "rename a A", "rename ../x a", "remove -x",
    "enroll-key-remove x", "approve -h", "queue-take x a", "queue-done 5f0c2a91 A", "queue-cancel 1",
  ])
  func anOperatorsNameIsChecked(_ request: String) {
    #expect { try OperatorRequest(parsing: request) } throws: { ($0 as? Refusal)?.code == .nameInvalid }
  }
}
