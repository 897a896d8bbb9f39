import FleetProtocol
import Testing

@Suite struct OperatorRoleTests {
  @Test func eachRoleMayWhatThoseBeforeItMay() {
    #expect(OperatorRole.viewer < .operator && OperatorRole.operator < .admin && OperatorRole.viewer < .admin)
    #expect(OperatorRole.allCases.sorted() == [.viewer, .operator, .admin])
    #expect(OperatorRole(rawValue: "root") == nil)
  }

  @Test(arguments: [
    (OperatorRole.viewer, ["version", "list", "select", "show a", "log"]),
    (
      .operator,
      ["connect a", "queue-add", "queue", "queue-take 00000001 a", "queue-done 00000001 a", "queue-cancel 00000001"]
    ),
    (
      .admin,
      [
        "provision a", "provision-many", "enroll a", "rename a b", "tag a", "replace a", "remove a", "rekey a",
        "enroll-key-create", "enroll-keys", "enroll-key-remove 5f0c2a91", "pending", "approve a", "reject a",
      ]
    ),
  ])
  func aRequestNeedsItsRole(_ role: OperatorRole, _ requests: [String]) throws {
    for request in requests { #expect(try OperatorRequest(parsing: request).requiredRole == role, "\(request)") }
  }
}
