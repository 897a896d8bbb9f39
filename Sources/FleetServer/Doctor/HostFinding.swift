import FleetProtocol

/// One thing that `fleet-server doctor` has looked at, and what it found.
struct HostFinding: Hashable {
  enum Severity: String, CaseIterable {
    /// Somebody gets in who must not, or somebody is kept out.
    case serious
    /// It works now, and will not when something happens that does happen.
    case warning
    /// Worth knowing; nothing has to be done.
    case note
    case fine

    var sign: String {
      switch self {
      case .serious: "✗"
      case .warning: "!"
      case .note: "-"
      case .fine: "✓"
      }
    }
  }

  /// What was looked at. Scripts rely on the spelling.
  enum Code: String, CaseIterable {
    // What sshd does with a device and an operator
    case sshdPolicy = "sshd-policy"
    case sshdConfig = "sshd-config"
    case allowTCPForwarding = "allowtcpforwarding"
    case disableForwarding = "disableforwarding"
    case permitListen = "permitlisten"
    case permitOpen = "permitopen"
    case allowStreamLocalForwarding = "allowstreamlocalforwarding"
    case streamLocalBindUnlink = "streamlocalbindunlink"
    case gatewayPorts = "gatewayports"
    case forceCommand = "forcecommand"
    case authentication = "authentication"
    case authorizedKeysFile = "authorizedkeysfile"
    case maxStartups = "maxstartups"
    case maxSessions = "maxsessions"
    case clientAlive = "clientalive"
    case unusedConnectionTimeout = "unusedconnectiontimeout"
    case channelTimeout = "channeltimeout"
    case perSourcePenalties = "persourcepenalties"
    // The key file
    case keyFile = "key-file"
    case keyLinesStray = "key-lines-stray"
    case keyLinesMalformed = "key-lines-malformed"
    case keyLinesDiffer = "key-lines-differ"
    case keyLinesOpen = "key-lines-open"
    case keyLinesProgram = "key-lines-program"
    // The machine
    case memory
    case openFiles = "open-files"
    case processes
    case leaseRange = "lease-range"
    case foreignListeners = "foreign-listeners"
    case loginShell = "login-shell"
    case clock
    case disk
    case permissions
    // fleet-server itself
    case settings
    case registry
    case run
    case sshdListener = "sshd-listener"
  }

  /// How it is mended.
  struct Mend: Hashable {
    /// The exact line, of a file or for a shell.
    var line: String
    /// Where it belongs.
    var place: String

    static func shell(_ line: String) -> Mend { Mend(line: line, place: "a shell") }
    static func rootShell(_ line: String) -> Mend { Mend(line: line, place: "a shell, as root") }
    /// A sentence, for what no line does.
    static func byHand(_ sentence: String) -> Mend { Mend(line: sentence, place: "by hand") }
  }

  let code: Code
  let severity: Severity
  /// What is so; nothing unescaped in it.
  let what: String
  /// What comes of it, in one sentence; `nil` for what is fine.
  let consequence: String?
  let mend: Mend?

  init(_ severity: Severity, _ code: Code, _ what: String, consequence: String, mend: Mend? = nil) {
    self.code = code
    self.severity = severity
    self.what = what
    self.consequence = consequence
    self.mend = mend
  }

  static func fine(_ code: Code, _ what: String) -> HostFinding { HostFinding(fine: code, what) }

  /// What could not be looked at, and so is neither good nor bad.
  static func notKnown(_ code: Code, _ why: String, mend: Mend? = nil) -> HostFinding {
    HostFinding(
      .warning, code, "not known: \(why)", consequence: "nobody can say whether this is as it must be", mend: mend)
  }

  private init(fine code: Code, _ what: String) {
    self.code = code
    severity = .fine
    self.what = what
    consequence = nil
    mend = nil
  }
}
