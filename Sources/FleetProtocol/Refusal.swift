/// Why something was not done: a stable code, one sentence, and what to do about it.
///
/// It is the error type of the whole project and crosses the wire as it is.
public struct Refusal: Error, Hashable, Sendable {
  public let code: Code
  /// One sentence in lower case without a full stop, with nothing secret and nothing unescaped in it.
  public let message: String
  /// What a person can do next.
  public let hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// The stable codes. Scripts rely on their spelling.
  public enum Code: String, CaseIterable, Sendable {
    // Usage
    case usage = "usage"
    case nameInvalid = "name-invalid"
    case keyInvalid = "key-invalid"
    case requestMalformed = "request-malformed"
    // Who may do what
    case denied = "denied"
    case requestRefused = "request-refused"
    case notAnOperator = "not-an-operator"
    // Devices
    case noSuchDevice = "no-such-device"
    case deviceOffline = "device-offline"
    case deviceBlocked = "device-blocked"
    case deviceNotEnrolled = "device-not-enrolled"
    case deviceHostKeyChanged = "device-host-key-changed"
    case deviceSSHDown = "device-ssh-down"
    case deviceLoginRefused = "device-login-refused"
    // Registry and leases
    case nameTaken = "name-taken"
    case keyTaken = "key-taken"
    case rangeExhausted = "range-exhausted"
    case registryNewer = "registry-newer"
    case registryBusy = "registry-busy"
    case registryUnavailable = "registry-unavailable"
    case registryDamaged = "registry-damaged"
    case backupUnusable = "backup-unusable"
    case auditBroken = "audit-broken"
    case noSuchOperator = "no-such-operator"
    case noSuchQueuedCommand = "no-such-queued-command"
    case queuedCommandGone = "queued-command-gone"
    // Enroll keys
    case noSuchEnrollKey = "no-such-enroll-key"
    case enrollKeyExpired = "enroll-key-expired"
    case enrollKeyUsedUp = "enroll-key-used-up"
    case enrollmentRejected = "enrollment-rejected"
    // Claims
    case claimBusy = "claim-busy"
    case portInUse = "port-in-use"
    case portBlocked = "port-blocked"
    case deviceDuplicate = "device-duplicate"
    // The host
    case hostUnreachable = "host-unreachable"
    case hostKeyChanged = "host-key-changed"
    case homeUnusable = "home-unusable"
    case alreadyInitialised = "already-initialised"
    case alreadyRunning = "already-running"
    case notInitialised = "not-initialised"
    case sshdMissing = "sshd-missing"
    case sshdFailed = "sshd-failed"
    case listenPortTaken = "listen-port-taken"
    // The laptop and the box on the bench
    case notLoggedIn = "not-logged-in"
    case noSuchHost = "no-such-host"
    case keyUnusable = "key-unusable"
    case hostKeyUnconfirmed = "host-key-unconfirmed"
    case notConfirmed = "not-confirmed"
    case boxUnreachable = "box-unreachable"
    case boxUnsuitable = "box-unsuitable"
    case stepFailed = "step-failed"
    case configurationInvalid = "configuration-invalid"
    case toolMissing = "tool-missing"
    case ioFailed = "io-failed"

    /// The status with which a program ends that could only report this.
    public var exitStatus: ExitStatus {
      switch self {
      case .usage, .nameInvalid, .keyInvalid, .requestMalformed: .usage
      case .denied, .requestRefused, .notAnOperator, .keyUnusable, .deviceLoginRefused, .enrollKeyExpired,
        .enrollKeyUsedUp, .enrollmentRejected:
        .denied
      case .noSuchDevice: .noSuchDevice
      case .deviceOffline, .deviceBlocked: .deviceOffline
      case .hostUnreachable, .hostKeyChanged: .hostUnreachable
      default: .failed
      }
    }
  }
}

/// The exit statuses of all three programs.
public enum ExitStatus: Int32, Sendable {
  case done = 0
  case failed = 1
  case usage = 2
  case noSuchDevice = 3
  case deviceOffline = 4
  case denied = 5
  case hostUnreachable = 6
}
