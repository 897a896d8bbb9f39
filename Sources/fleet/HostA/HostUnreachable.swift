import FleetProtocol

/// Why nothing that could be asked was reached at HostA's address: each reason in words of its own, with what to do.
enum HostUnreachable {
  /// What ssh or ssh-keyscan says, in lower case, and what that means.
  private struct Reason: Sendable {
    let phrases: [String]
    let meaning: String
    let hint: @Sendable (TCPPort) -> String
  }

  private static let reasons = [
    Reason(phrases: ["temporary failure in name resolution", "try again"], meaning: "names cannot be looked up now") {
      _ in
      "see whether this laptop has a network, and a name server that answers"
    },
    Reason(
      phrases: ["could not resolve", "name or service not known", "nodename nor servname", "no address associated"],
      meaning: "there is no machine of that name"
    ) { _ in "compare the address with what HostA's administrator says; 'fleet login' takes the right one" },
    Reason(phrases: ["connection refused"], meaning: "the machine is there, but nothing listens on that port") { port in
      "on HostA, see whether 'fleet-server run' is at work and listens on port \(port)"
    },
    Reason(
      phrases: ["network is unreachable", "network is down"], meaning: "this laptop has no network that leads there"
    ) { _ in "see whether this laptop is connected, and its VPN if HostA is behind one" },
    Reason(
      phrases: ["no route to host", "host is unreachable", "host is down"], meaning: "there is no way to that machine"
    ) { _ in "see whether HostA is switched on, and whether this laptop's network and VPN lead to it" },
    Reason(phrases: ["during banner exchange"], meaning: "the port is open, but nobody speaks there") { _ in
      "on HostA, see whether the machine is overloaded or its sshd hangs; 'fleet-server run' started anew helps"
    },
    Reason(
      phrases: ["banner line contains invalid", "protocol major versions differ", "bad remote protocol version"],
      meaning: "what listens there is no SSH server that this ssh understands"
    ) { port in "see whether port \(port) is the one that 'fleet-server init' told, and what else listens there" },
    Reason(
      phrases: ["unable to negotiate", "no matching "], meaning: "its sshd and this laptop's ssh share no algorithm"
    ) {
      _ in "update the older one of the two; 'ssh -Q kex' and 'ssh -Q HostKeyAlgorithms' show what this one knows"
    },
    Reason(phrases: ["not allowed at this time"], meaning: "its sshd refuses this address for a while") { _ in
      "too many logins failed from here; wait some minutes, and find out what tries"
    },
    // Also how a connection ends that broke after the login, so what is told more exactly stands before it.
    Reason(
      phrases: ["kex_exchange_identification", "ssh_exchange_identification", "connection closed", "connection reset"],
      meaning: "the port is open, but connections are closed at once"
    ) { port in
      "on HostA, see whether fleet-server's sshd listens on port \(port) or something else does, and what the log of "
        + "'fleet-server run' says; after many failed logins from here it lets nobody in for some minutes"
    },
    Reason(phrases: ["broken pipe", "not responding", "closed by remote host"], meaning: "the connection broke off") {
      _ in
      "try again; if it happens often, see what this laptop's network does"
    },
    Reason(phrases: ["timed out"], meaning: "nothing comes back from there") { port in
      "see whether HostA is switched on, and whether a firewall on the way lets TCP port \(port) through"
    },
  ]

  /// Throws nothing away of what ssh said where no reason is known. `text` is the standard error of ssh or ssh-keyscan.
  static func refusal(address: String, port: TCPPort, errorText text: String) -> Refusal {
    let lowercase = text.lowercased()
    let place = "HostA (\(address) port \(port))"
    let reason = reasons.first { $0.phrases.contains { lowercase.contains($0) } }
    guard let reason else {
      let because = LastLine.of(text).map { ": \($0)" } ?? ""
      return Refusal(
        .hostUnreachable, "\(place) does not answer\(because)",
        hint: "see whether HostA is switched on, and whether a firewall lets TCP port \(port) through")
    }
    guard let station = station(in: text), station.address != address || station.port != "\(port)" else {
      return Refusal(.hostUnreachable, "\(place) does not answer: \(reason.meaning)", hint: reason.hint(port))
    }
    return Refusal(
      .hostUnreachable,
      "\(place) is not reached by way of \(station.address) port \(station.port): \(reason.meaning)",
      hint: "that way comes from ~/.ssh/config; 'ssh -G \(address)' shows it")
  }

  /// The machine that ssh itself names in `ssh: connect to host NAME port N: ...`: another one than HostA where the
  /// person's own configuration leads over a jump host or to another address.
  private static func station(in text: String) -> (address: String, port: String)? {
    let prefix = "ssh: connect to host "
    guard let line = text.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix(prefix) }) else { return nil }
    let words = line.dropFirst(prefix.count).split(separator: " ")
    guard words.count >= 3, words[1] == "port" else { return nil }
    return (DisplayText.escaped(words[0], limit: 253), DisplayText.escaped(words[2].prefix { $0 != ":" }, limit: 5))
  }
}
