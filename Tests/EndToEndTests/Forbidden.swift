import Foundation

/// What no key may do, or one kind of key may not.
enum Forbidden {
  /// Ways to another program than the forced command's, for a key that may ask for `verb`.
  static func programs(_ verb: String) -> [Attempt] {
    [
      "", "sh", "sh -c id", "id;\(verb)", "\(verb);id", "\(verb)|id", "\(verb) && id", "\(verb) >x", "\(verb)\nid",
      "$(id)", "`id`", "'\(verb)'", "run", "init", "--help", "fleet-server run", "fleet-server operator list",
      "--home /tmp \(verb)", "scp -t /tmp", "scp -f /etc/passwd", "rsync --server --sender . /", "git-upload-pack /",
      "internal-sftp", "/usr/lib/openssh/sftp-server", "\(verb) \u{1b}[2J",
      "\(verb) " + String(repeating: "x", count: 2000),
    ].map { .run($0) }
  }

  /// Sockets as files, and what HostA reaches and nobody else should; `port` is a device's that is online.
  static func places(_ lab: Lab, _ port: Int) -> [Attempt] {
    [
      .listenAtPath("\(lab.hostA.home.path)/socket"), .listenAtPath("\(lab.serverHome.path)/registry.db"),
      .listenAtPath("\(lab.serverHome.path)/sessions/socket"), .reach("127.0.0.1", lab.ports.hostA),
      .reach("127.0.0.1", lab.ports.box(0)), .reach("127.0.0.1", port), .reach("localhost", port), .reach("::1", port),
      .reach("0.0.0.0", port), .reach("127.0.0.1", 22), .reach("192.0.2.1", 80), .reach("198.51.100.7", 443),
      .reach("hosta.example", 22),
    ]
  }

  /// Every way to listen; `port` is free.
  static func listening(_ port: Int) -> [Attempt] {
    [
      .listen("127.0.0.1", port), .listen("127.0.0.1", 0), .listen("127.0.0.1", 22), .listen(nil, port),
      .listen("localhost", port), .listen("0.0.0.0", port), .listen("::", port), .listen("::1", port),
      .listen("*", port), .listen("", port), .listen("127.0.0.2", port), .listen("127.1", port),
    ]
  }

  /// A device may ask for what devices ask for, about itself.
  static func toADevice(_ lab: Lab, neighbour: (id: String, port: Int), keys: [String]) throws -> [Attempt] {
    let id = neighbour.id
    let others = [
      "claim \(id)", "claim \(neighbour.port)", "attach \(id)", "report \(id)", "rotate-key \(id)",
      "device \(id) \(neighbour.port)", "device \(id) \(neighbour.port) claim", "operator anna", "enroll-key 00000000",
      "join",
    ]
    return others.map { .run($0) } + (try OperatorUse.all(lab)).map { .run($0.request, body: $0.body) }
      // Only a connection that has claimed may report.
      + [.run("report", body: #"{"v":1,"sshd":"down"}"#)]
      + keys.map { .run("rotate-key", body: #"{"v":1,"key":"\#($0)"}"#, codes: ["key-taken"]) }
  }

  /// A device may listen on its own port of 127.0.0.1 and reach that; the port behind it is nobody's.
  static func places(_ lab: Lab, own: Int, neighbour: Int) -> [Attempt] {
    let elsewhere = listening(own).filter { if case .listen("127.0.0.1", own) = $0 { false } else { true } }
    let others = [neighbour, own + 1, lab.ports.hostA, 1]
    return elsewhere + others.map { .listen("127.0.0.1", $0) } + [.listen("0.0.0.0", 0), .listen(nil, 0)]
      + places(lab, neighbour)
      + [.reach("localhost", own), .reach("::1", own), .reach("0.0.0.0", own), .reach("127.0.0.1", own + 1)]
  }

  /// An operator may ask for what its role may ask for; whatever the role, for nothing of this.
  static func toAnyOperator(device: (id: String, port: Int)) -> [Attempt] {
    [
      "claim", "attach", "report", "rotate-key", "join", "device \(device.id) \(device.port)", "operator anna",
      "operator anna list", "fleet-server operator anna list", "enroll-key 00000000", "show ../../.ssh/id_ed25519",
      "show /etc/passwd", "show .", "show -h", "connect ../kitchen-pi", "connect 127.0.0.1:22",
      "rename kitchen-pi ../x",
      "remove ../kitchen-pi", "queue-take ../registry.db kitchen-pi", "enroll-key-remove ../..", "approve ../x",
    ].map { .run($0, codes: ["request-refused", "request-malformed", "name-invalid"]) }
  }

  /// An enroll key may ask to join.
  static func toAnEnrollKey(_ lab: Lab, device: (id: String, port: Int), other: String) throws -> [Attempt] {
    let requests = [
      "join x", "claim", "attach", "report", "rotate-key", "enroll-key \(other)", "enroll-key \(other) join",
      "operator anna", "device \(device.id) \(device.port)",
    ]
    return requests.map { .run($0) } + (try OperatorUse.all(lab)).map { .run($0.request, body: $0.body) }
  }
}
