import FleetProtocol
import FleetSSH

/// One request to HostA on a channel of its own: the command, a line on its standard input, a line of answer.
final class RemoteRequest {
  private enum Step {
    case opening
    case starting(SSHChannel)
    case sending(SSHChannel)
    case ending(SSHChannel)
    case reading(SSHChannel)
    case closing(SSHChannel)
    case closed
  }

  /// What is asked of HostA, as it stands on the wire.
  let command: String
  private var body: [UInt8]
  private var step = Step.opening
  private var output: [UInt8] = []
  private var errors: [UInt8] = []
  /// What HostA answered, once it has.
  private(set) var reply: Result<Reply, LinkFailure>?

  convenience init(_ request: DeviceRequest, body: String) { self.init(command: request.rawValue, body: body) }

  convenience init(_ request: EnrollKeyRequest, body: String) { self.init(command: request.rawValue, body: body) }

  private init(command: String, body: String) {
    self.command = command
    self.body = Array(body.utf8) + [0x0A]
  }

  /// Goes on as far as it can. Returns whether all is done, the channel freed included.
  func advance(on session: SSHSession) throws(SSHError) -> Bool {
    while true {
      switch step {
      case .opening:
        guard case .ready(let channel) = try session.openSession() else { return false }
        step = .starting(channel)
      case .starting(let channel):
        guard case .ready = try channel.execute(command) else { return false }
        step = .sending(channel)
      case .sending(let channel):
        guard try send(on: channel) else { return false }
        step = .ending(channel)
      case .ending(let channel):
        guard case .ready = try channel.sendEnd() else { return false }
        step = .reading(channel)
      case .reading(let channel):
        guard try read(from: channel) else { return false }
        reply = parsedReply
        step = .closing(channel)
      case .closing(let channel):
        guard case .ready = try channel.close() else { return false }
        step = .closed
      case .closed: return true
      }
    }
  }

  private func send(on channel: SSHChannel) throws(SSHError) -> Bool {
    while !body.isEmpty {
      let progress = try channel.write(bytes: body)
      guard case .ready(let count) = progress else { return false }
      body.removeFirst(count)
    }
    return true
  }

  /// Returns whether a whole line, or the end of the output, has come.
  private func read(from channel: SSHChannel) throws(SSHError) -> Bool {
    // All of it, even if we keep only the beginning: the end of the output shows only once both streams were read.
    while case .ready(let bytes) = try channel.read(limit: 1024, from: .errors), !bytes.isEmpty {
      errors += bytes
      // Nobody who answers has so much to complain of; it might never end.
      if errors.count > Limits.line { return true }
    }
    while true {
      guard case .ready(let bytes) = try channel.read(limit: 4096) else { return false }
      if bytes.isEmpty { return true }
      output += bytes
      if output.contains(0x0A) || output.count > Limits.line { return true }
    }
  }

  private var parsedReply: Result<Reply, LinkFailure> {
    guard let end = output.firstIndex(of: 0x0A) else {
      let said = String(decoding: errors.isEmpty ? output : errors, as: UTF8.self)
      return .failure(.claimFailed(said.isEmpty ? "no answer" : DisplayText.escaped(said, limit: 200)))
    }
    do { return .success(try Reply(parsing: output[..<end])) } catch {
      return .failure(.claimFailed("the reply is not understood: \(error)"))
    }
  }
}
