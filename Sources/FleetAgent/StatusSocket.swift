import FleetProtocol
import Glibc

/// The Unix socket on which an agent tells its status: an abstract name, so that no file is needed.
///
/// Whoever holds it is the device's one agent.
final class StatusSocket {
  let descriptor: CInt
  private let owner: uid_t

  /// What taking the name came to.
  enum Taking {
    case taken(StatusSocket)
    case alreadyRunning
    /// Another user of this machine holds the name.
    case squatted(uid_t)
  }

  private init(descriptor: CInt, owner: uid_t) {
    self.descriptor = descriptor
    self.owner = owner
  }

  deinit { close(descriptor) }

  /// `name` is the device's identity; `owner` is who owns the configuration, and may ask besides root and ourselves.
  static func take(_ name: String, owner: uid_t) throws(Refusal) -> Taking {
    let descriptor = newSocket(nonBlocking: true)
    guard descriptor >= 0 else { throw Refusal(.ioFailed, "no socket: \(String(cString: strerror(errno)))") }
    if withAddress(of: name, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 8) == 0 {
      return .taken(StatusSocket(descriptor: descriptor, owner: owner))
    }
    let code = errno
    close(descriptor)
    guard code == EADDRINUSE else {
      throw Refusal(.ioFailed, "the status socket cannot be made: \(String(cString: strerror(code)))")
    }
    guard let holder = connect(to: name) else { return .alreadyRunning }
    defer { close(holder) }
    guard let uid = peer(of: holder), uid != getuid(), uid != 0 else { return .alreadyRunning }
    return .squatted(uid)
  }

  /// Answers everyone who waits, in one line each.
  func answer(_ line: @autoclosure () -> String) {
    while true {
      let client = accept(descriptor, nil, nil)
      guard client >= 0 else { return }
      defer { close(client) }
      guard let uid = Self.peer(of: client), [0, getuid(), owner].contains(uid) else { continue }
      let text = line() + "\n"
      _ = send(client, text, text.utf8.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
    }
  }

  /// Asks the running agent, which runs as `owner`, as root or as ourselves, for its line. Throws `step-failed` when none runs, `denied` when it is another user's.
  static func ask<Report>(
    _ name: String, owner: uid_t, parse: (ArraySlice<UInt8>) throws(JSONError) -> Report
  ) throws(Refusal) -> Report {
    guard let descriptor = connect(to: name) else {
      throw Refusal(.stepFailed, "no agent runs for this device", hint: "start it with: fleet-agent run")
    }
    defer { close(descriptor) }
    guard let uid = peer(of: descriptor), [0, getuid(), owner].contains(uid) else {
      throw Refusal(.denied, "what answers is not this device's agent: it belongs to another user")
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !answer.contains(0x0A), answer.count < Limits.line {
      let count = read(descriptor, &chunk, chunk.count)
      guard count > 0 else { break }
      answer += chunk[..<count]
    }
    guard let end = answer.firstIndex(of: 0x0A) else {
      throw Refusal(.denied, "the agent does not tell its status", hint: "ask as the user that runs it, or as root")
    }
    do { return try parse(answer[..<end]) } catch {
      throw Refusal(.ioFailed, "the agent's status is not understood: \(error)")
    }
  }

  private static func connect(to name: String) -> CInt? {
    let descriptor = newSocket(nonBlocking: false)
    guard descriptor >= 0 else { return nil }
    // An agent that hangs must not hang those who ask: a full queue makes connect(2) wait.
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    if withAddress(of: name, { Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
    close(descriptor)
    return nil
  }

  private static func newSocket(nonBlocking: Bool) -> CInt {
    let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (nonBlocking ? SOCK_NONBLOCK.rawValue : 0)
    return socket(AF_UNIX, CInt(flags), 0)
  }

  private static func withAddress(of name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    let name = [0] + Array("fleet-agent/\(name)".utf8)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  /// The user at the other end. The kernel fills a `struct ucred`: pid, uid, gid.
  private static func peer(of descriptor: CInt) -> uid_t? {
    var credentials: [UInt32] = [0, 0, 0]
    var length = socklen_t(12)
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, length == 12 else { return nil }
    return credentials[1]
  }
}
