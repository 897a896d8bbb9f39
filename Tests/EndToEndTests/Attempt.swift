import Foundation
import Testing

/// Something that a key must not be able to do, as OpenSSH's own client asks for it.
enum Attempt {
  /// A command, which the forced command refuses with one of these codes; an empty one asks for a shell.
  case run(String, body: String = "", codes: Set<String> = ["request-refused", "request-malformed"])
  /// To listen on HostA (`-R`); without an address the client says `localhost`, for `*` it says nothing.
  case listen(String?, Int)
  /// To make a Unix socket on HostA (`-R`).
  case listenAtPath(String)
  /// To reach something from HostA (`-W`).
  case reach(String, Int)
}

extension Thief {
  /// Tries everything over one connection: all of it is refused, and HostA is afterwards as it was before. Returns what
  /// leads through that connection, on which the key can still do what it is for.
  func expectRefused(_ attempts: [Attempt], isDevice: Bool = false, sshd: Running) throws -> [String] {
    let (master, options) = try connection()
    let before = try lab.whatStands()
    let said = sshd.error.count
    var denied: [String] = []
    for attempt in attempts {
      switch attempt {
      case .run(let request, let body, let codes):
        let answer = try ask(request, body: body, options: options)
        #expect(answer.outcome.status != 0 && codes.contains(answer.code ?? ""), "\(request): \(answer)")
        #expect(!answer.outcome.output.contains("uid="), "\(request): \(answer)")
      case .listen(let address, let port):
        try listen([address.map { $0.contains(":") ? "[\($0)]:" : "\($0):" } ?? "", "\(port)"].joined(), options)
        // Below 1024 an ordinary account's sshd does not even look at what the key may do.
        if port == 0 || port >= 1024 {
          denied.append("remote forward to host \(address == "*" ? "" : address ?? "localhost") port \(port),")
        }
      case .listenAtPath(let path):
        try listen(path, options)
      case .reach(let address, let port):
        let target = address.contains(":") ? "[\(address)]" : address
        let outcome = try run(options + ["-W", "\(target):\(port)"])
        #expect(
          outcome.status == 255 && outcome.error.contains("Stdio forwarding request failed"),
          "-W \(target):\(port): \(outcome)")
        denied.append("connect to host \(address) port \(port),")
      }
    }
    // The client hears little of why. Nothing failed because nobody listened, or somebody did already:
    let reaches = attempts.count { if case .reach = $0 { true } else { false } }
    try eventually("the connection says why\n\(master.error)", within: 60) {
      master.error.components(separatedBy: "open failed").count > reaches
    }
    #expect(master.error.components(separatedBy: "administratively prohibited").count == reaches + 1, "\(master.error)")
    if isDevice {
      try eventually("sshd denies all of \(denied)\n\(sshd.error)", within: 60) {
        var lines = sshd.error.dropFirst(said).split(whereSeparator: \.isNewline).filter {
          $0.hasSuffix("the request was denied.")
        }
        return denied.allSatisfy { text in
          guard let line = lines.firstIndex(where: { $0.contains(text) }) else { return false }
          lines.remove(at: line)
          return true
        }
      }
    }
    try expectNoTerminalAndNoFiles()
    try lab.expectStanding(before)
    return options
  }

  private func listen(_ place: String, _ options: [String]) throws {
    let outcome = try run(options + ["-O", "forward", "-R", "\(place):127.0.0.1:22"])
    #expect(outcome.status == 255 && outcome.error.contains("remote port forwarding failed"), "-R \(place): \(outcome)")
  }
}
