import FleetProtocol

/// How far an ssh connection came and when, read from what ssh says at LogLevel DEBUG1.
struct SSHTrace: Hashable {
  /// Something that ssh said, and how long after its start.
  struct Moment: Hashable {
    let text: String
    let at: Duration
  }

  /// `NAME [ADDRESS] port PORT`; `nil` where something else makes the connection.
  private(set) var connecting: Moment?
  private(set) var established: Moment?
  /// A ProxyCommand or a jump host makes the connection.
  private(set) var proxy: Moment?
  /// What the far side said before it named its version, which an sshd says nothing before.
  private(set) var preface: Moment?
  /// The far side's SSH software.
  private(set) var software: Moment?
  /// The host key that the far side proved to have: `ssh-ed25519 SHA256:...`.
  private(set) var hostKey: Moment?
  private(set) var verified: Moment?
  /// The keys that were offered, as ssh names them: path, algorithm, fingerprint.
  private(set) var offered: [String] = []
  private(set) var accepted: Moment?
  private(set) var authenticated: Moment?
  /// What ssh would have said anyway, a line each.
  private(set) var said: [String] = []
  /// When it was over.
  let end: Duration

  init(_ lines: [Moment], end: Duration) {
    self.end = end
    for line in lines { read(line) }
  }

  private mutating func read(_ line: Moment) {
    let prefix = "debug1: "
    guard line.text.hasPrefix(prefix) else {
      if line.text.hasPrefix("Authenticated to ") {
        authenticated = line
      } else if !["Transferred: ", "Bytes per second: ", "OpenSSH_"].contains(where: line.text.hasPrefix) {
        said.append(line.text)
      }
      return
    }
    let text = line.text.dropFirst(prefix.count)
    func rest(_ start: String) -> Moment? {
      guard text.hasPrefix(start) else { return nil }
      return Moment(text: DisplayText.escaped(text.dropFirst(start.count), limit: 300), at: line.at)
    }
    if let moment = rest("Connecting to ") {
      connecting = Moment(text: String(moment.text.reversed().drop { $0 == "." }.reversed()), at: moment.at)
    }
    if let moment = rest("Connection established") { established = moment }
    if let moment = rest("Executing proxy ") { proxy = moment }
    if let moment = rest("Remote protocol version ") { software = Self.software(moment) }
    if let moment = rest("Server host key: ") { hostKey = moment }
    if text.hasPrefix("Host '"), text.contains("' is known and matches the ") {
      verified = Moment(text: "", at: line.at)
    }
    if let moment = rest("Offering public key: ") { offered.append(moment.text) }
    if let moment = rest("Server accepts key: ") { accepted = moment }
    if let moment = rest("Authentication succeeded") { authenticated = moment }
    if preface == nil, let moment = rest("kex_exchange_identification: banner line ") {
      preface = Moment(text: String(moment.text.drop { $0 != " " }.dropFirst()), at: line.at)
    }
  }

  /// `2.0, remote software version OpenSSH_9.2p1` without what everybody says.
  private static func software(_ moment: Moment) -> Moment {
    let label = "remote software version "
    guard let comma = moment.text.firstIndex(of: ",") else { return moment }
    let text = moment.text[moment.text.index(after: comma)...].drop { $0 == " " }
    return Moment(text: String(text.hasPrefix(label) ? text.dropFirst(label.count) : text), at: moment.at)
  }

  /// What explains a failure: the far side's own words before SSH began, and ssh's.
  var errorText: String { ((preface.map { [$0.text] } ?? []) + said).joined(separator: "\n") }

  /// The fingerprint of the host key that was shown.
  var shownFingerprint: String? {
    hostKey?.text.split(separator: " ").map(String.init).first(where: HostKeyScan.isFingerprint)
      ?? SSHFailure.shownFingerprint(in: errorText)
  }

  /// `SHA256:... (/home/anna/.ssh/id_ed25519)` of a key as ssh names it.
  static func key(_ text: String) -> String {
    let words = text.split(separator: " ")
    guard let fingerprint = words.firstIndex(where: { HostKeyScan.isFingerprint($0) }), fingerprint > 1 else {
      return text
    }
    return "\(words[fingerprint]) (\(words[..<(fingerprint - 1)].joined(separator: " ")))"
  }
}
