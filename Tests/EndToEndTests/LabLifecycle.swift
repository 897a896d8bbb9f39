import Foundation
import GRDB
import Testing

/// Requests to HostA by hand, with a body, and what comes back.
extension Thief {
  /// What HostA replies, by its first line.
  func ask(_ request: String, body: String = "", options: [String] = []) throws -> Answer {
    let outcome = try lab.run(account, line(options, [request]), input: body, within: 30)
    let first = outcome.output.split(separator: "\n").first ?? ""
    let fields = (try? JSONSerialization.jsonObject(with: Data(first.utf8))) as? [String: Any]
    return Answer(outcome: outcome, fields: fields ?? [:])
  }

  /// Like `ask`, of a request that must succeed.
  @discardableResult func succeed(_ request: String, body: String = "") throws -> Answer {
    let answer = try ask(request, body: body)
    guard answer.isOK else { throw CommandFailed(arguments: [request], outcome: answer.outcome) }
    return answer
  }

  /// A connection that stays open for later requests. Returns the options that lead them through it.
  func stay() throws -> [String] {
    let socket = account.home.appending(path: "master-\(UUID().uuidString.prefix(8))").path
    let master = try start(["-M", "-S", socket, "-N"])
    try eventually("the connection stands\n\(master.error)", within: 15) {
      FileManager.default.fileExists(atPath: socket)
    }
    return ["-S", socket]
  }

  func claim(options: [String] = []) throws -> Answer {
    try ask("claim", body: #"{"v":1,"agent_version":"0.1.0","boot_id":"by-hand","keepalive_s":10}"#, options: options)
  }

  func rotate(to key: String, options: [String] = []) throws -> Answer {
    try ask("rotate-key", body: #"{"v":1,"key":"\#(key)"}"#, options: options)
  }

  /// sshd itself does not let the key in.
  var isShutOut: Bool { get throws { try run([], command: ["claim"]).error.contains("Permission denied") } }
}

struct Answer {
  let outcome: Outcome
  let fields: [String: Any]

  var isOK: Bool { fields["ok"] as? Bool == true }
  var code: String? { fields["code"] as? String }
}

extension Lab {
  /// The person's key, used by hand.
  var anna: Thief { Thief(lab: self, account: laptop, key: operatorKey) }

  /// Makes a key on the box. Returns whoever uses it, and its public half without the comment.
  func boxKey(_ name: String) throws -> (holder: Thief, key: String) {
    try succeed(box, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name])
    let key = try succeed(box, ["cat", "\(name).pub"]).split(separator: " ").prefix(2).joined(separator: " ")
    return (Thief(lab: self, account: box, key: box.home.appending(path: name)), key)
  }

  /// What `provision` and `replace` take.
  func provisionBody(_ key: String, more: String = "") -> String {
    #"{"v":1,"key":"\#(key)","user":"\#(box.name)","tags":{},"host_keys_from_first_claim":true\#(more)}"#
  }

  /// The lines of HostA's key file that are of this device.
  func keyLines(of device: String) throws -> [String] {
    let own = hostA.seen(serverHome).appending(path: "authorized_keys")
    let isPrivate = FileManager.default.fileExists(atPath: own.path)
    return try (isPrivate ? String(contentsOf: own, encoding: .utf8) : keyFile())
      .split(separator: "\n").map(String.init).filter { $0.hasSuffix(" fleet:\(device)") }
  }

  /// Who did what to a device, as the audit has it.
  func audit(of device: String) throws -> [String] {
    try registryRows("SELECT * FROM audit WHERE device = '\(device)' ORDER BY id").map {
      "\($0["actor"] as String) \($0["action"] as String)"
    }
  }
}
