import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One shared ssh connection to a box on the bench, in a folder that only this account may enter.
final class BoxConnection {
  /// What the machine at the other end is to be.
  enum Role: String {
    case box = "the box"
    case host = "HostA"
  }

  let target: BoxTarget
  private let role: Role
  private let folder: String
  private var controlPath: String { "\(folder)/c" }

  /// Connects; ssh asks for a password or a passphrase on the terminal. Throws `box-unreachable`,
  /// or `host-unreachable` for a HostA.
  init(_ target: BoxTarget, called role: Role = .box) throws(Refusal) {
    self.target = target
    self.role = role
    folder = try FileStore.makeTemporaryFolder()
    // ssh stays behind in the background: with a pipe there, its end would never come.
    let log = "\(folder)/log"
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let errors = try Descriptor.open(log, O_WRONLY | O_CREAT | O_APPEND)
    let status = Subprocess.wait(
      for: try Subprocess.spawn(
        BoxSSHArguments.open(target, controlPath: "\(folder)/c"),
        [0: null, 1: null, 2: errors]))
    guard status == 0 else {
      let said = String(decoding: (try? FileStore.content(of: log)) ?? [], as: UTF8.self)
      FileStore.remove(files: ["log", "c"], in: folder)
      throw unreachable(said)
    }
  }

  deinit {
    _ = try? Subprocess.run(BoxSSHArguments.close(target, controlPath: controlPath))
    FileStore.remove(files: ["log", "c"], in: folder)
  }

  /// Runs a command to its end, whatever its status is. Throws `box-unreachable` when the connection is lost.
  func outcome(of command: String, input: Subprocess.Input = .none) throws(Refusal) -> Subprocess.Outcome {
    let outcome = try Subprocess.run(
      BoxSSHArguments.run(command, on: target, controlPath: controlPath), input: input)
    guard outcome.status != 255 else { throw unreachable(outcome.errorText) }
    return outcome
  }

  /// Runs a command that must succeed and returns its standard output. Throws `step-failed` with its last words.
  @discardableResult
  func run(_ command: String, input: Subprocess.Input = .none) throws(Refusal) -> String {
    let outcome = try outcome(of: command, input: input)
    guard outcome.status == 0 else {
      throw BoxFailure.ofCommand(errorText: outcome.errorText, status: outcome.status, machine: role.rawValue)
    }
    return outcome.text
  }

  private func unreachable(_ said: String) -> Refusal {
    let (message, hint) = BoxFailure.ofConnection(errorText: said, target: target, machine: role.rawValue)
    return Refusal(role == .box ? .boxUnreachable : .hostUnreachable, message, hint: hint)
  }
}
