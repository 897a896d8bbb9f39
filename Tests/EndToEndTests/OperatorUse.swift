import FleetProtocol
import Foundation

/// A request of an operator's, as somebody who may ask it does.
struct OperatorUse {
  let request: String
  var body = ""

  var verb: String { String(request.prefix { $0 != " " }) }

  func role() throws -> OperatorRole { try OperatorRequest(parsing: request).requiredRole }

  /// The same about this identity.
  func withID(_ id: String) -> Self { Self(request: request.replacing("ID", with: id), body: body) }

  /// Every verb of PROTOCOL.md.
  static func documentedVerbs() throws -> Set<String> {
    let file = URL(filePath: #filePath).appending(path: "../../../PROTOCOL.md").standardized
    let text = try String(contentsOf: file, encoding: .utf8)
    let table = text.components(separatedBy: "## Operator requests\n")[1].components(separatedBy: "\n### ")[0]
    return Set(table.matches(of: /\n\| `([a-z-]+)[^`]*` \|/).map { String($0.output.1) })
  }

  private static let queueBody = #"{"v":1,"command":"uptime","devices":["kitchen-pi"],"expires_s":600}"#

  /// Each verb, in an order in which all of them work where two boxes wait, `kiosk-one` and `kiosk-two`.
  static func all(_ lab: Lab) throws -> [Self] {
    let keys = try (0..<5).map { try lab.boxKey("spare-\($0)").key }
    let provision = lab.provisionBody(keys[0])
    let enrollKey =
      #"{"v":1,"key":"\#(keys[4])","pattern":"kiosk-{serial}","user":"pi","tags":{},"uses":9,"expires_s":3600,"auto_approve":false}"#
    return [
      Self(request: "version"), Self(request: "list"),
      Self(request: "select", body: #"{"v":1,"select":["kitchen-*"]}"#),
      Self(request: "show kitchen-pi"), Self(request: "log", body: #"{"v":1,"limit":10}"#),
      Self(request: "audit-lines", body: #"{"v":1,"after":0,"limit":10}"#),
      Self(request: "connect kitchen-pi"), Self(request: "queue-add", body: queueBody), Self(request: "queue"),
      Self(request: "queue-take ID kitchen-pi"),
      Self(request: "queue-done ID kitchen-pi", body: #"{"v":1,"status":0}"#),
      Self(request: "queue-cancel ID"), Self(request: "provision hall-pi", body: provision),
      Self(
        request: "provision-many",
        body: #"{"v":1,"count":1}"# + "\n"
          + lab.provisionBody(keys[1]).replacing(#"{"v":1,"#, with: #"{"v":1,"name":"many-pi","#)),
      Self(request: "enroll hall-pi", body: #"{"v":1,"host_keys":["\#(keys[2])"]}"#),
      Self(request: "rename hall-pi loft-pi"), Self(request: "tag loft-pi", body: #"{"v":1,"set":{"a":"b"}}"#),
      Self(request: "replace loft-pi", body: lab.provisionBody(keys[3])), Self(request: "rekey loft-pi"),
      Self(request: "remove loft-pi"), Self(request: "enroll-key-create", body: enrollKey),
      Self(request: "enroll-keys"),
      Self(request: "pending"), Self(request: "approve kiosk-one", body: #"{"v":1}"#),
      Self(request: "reject kiosk-two"),
      Self(request: "enroll-key-remove ID"),
    ]
  }
}
