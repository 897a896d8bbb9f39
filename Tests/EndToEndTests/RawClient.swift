import CLibSSH2
import Foundation
import Testing

/// A connection to HostA's sshd with somebody's key, to ask for what OpenSSH's own client would not ask for.
final class RawClient {
  private let session: OpaquePointer
  private let descriptor: Int32
  private let remarks = Remarks()

  /// What sshd says to explain itself, which OpenSSH's client shows with `-v`.
  private final class Remarks { var lines: [String] = [] }

  /// A session that waits, for at most so long, for each answer.
  init(_ thief: Thief) throws {
    libssh2_init(0)
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    session = libssh2_session_init_ex(nil, nil, nil, Unmanaged.passUnretained(remarks).toOpaque())
    let hear: RemarkCallback = { _, _, text, length, _, _, context in
      guard let text, let remarks = context?.pointee.map({ Unmanaged<Remarks>.fromOpaque($0).takeUnretainedValue() })
      else { return }
      remarks.lines.append(
        String(decoding: UnsafeRawBufferPointer(start: text, count: Int(length)), as: UTF8.self))
    }
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_DEBUG, unsafeBitCast(hear, to: UnsafeMutableRawPointer.self))
    libssh2_session_set_timeout(session, 60_000)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(thief.lab.ports.hostA).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    let key = try Data(contentsOf: thief.key)
    let name = thief.lab.hostA.name
    let accepted = key.withUnsafeBytes {
      connected == 0 && libssh2_session_handshake(session, descriptor) == 0
        && libssh2_userauth_publickey_frommemory(
          session, name, name.utf8.count, nil, 0, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, nil)
          == 0
    }
    guard accepted else { throw NeverHappened(what: "sshd lets the key in: \(lastError)") }
  }

  deinit {
    // What is open of it ends with the connection, and libssh2 waits for nobody.
    shutdown(descriptor, Int32(SHUT_RDWR))
    libssh2_session_free(session)
    close(descriptor)
    libssh2_exit()
  }

  private var lastError: String {
    var text: UnsafeMutablePointer<CChar>?
    libssh2_session_last_error(session, &text, nil, 0)
    return text.map { String(cString: $0) } ?? ""
  }

  var heard: String { remarks.lines.joined(separator: "\n") }

  /// Opens a channel of any kind. How sshd refuses that, or `nil` when it does not.
  func open(_ kind: String, _ message: [Field] = []) -> String? {
    let bytes = message.flatMap(\.bytes)
    let channel = bytes.withUnsafeBytes {
      libssh2_channel_open_ex(
        session, kind, UInt32(kind.utf8.count), 1 << 21, 1 << 15,
        $0.count == 0 ? nil : $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32($0.count))
    }
    return channel == nil ? lastError : nil
  }

  /// What a session can be asked for beside its command, each by whether sshd refuses it.
  func sessionRequests() throws -> [(what: String, isRefused: Bool)] {
    let session = try #require(libssh2_channel_open_ex(session, "session", 7, 1 << 21, 1 << 15, nil, 0))
    let refused = LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED
    return [
      ("a terminal", libssh2_channel_request_pty_ex(session, "vt100", 5, nil, 0, 80, 24, 0, 0) == refused),
      ("X11", libssh2_channel_x11_req_ex(session, 0, nil, nil, 0) == refused),
      ("an agent", libssh2_channel_request_auth_agent(session) == refused),
      ("LD_PRELOAD", libssh2_channel_setenv_ex(session, "LD_PRELOAD", 10, "/evil", 5) == refused),
      ("FLEET_SERVER_HOME", libssh2_channel_setenv_ex(session, "FLEET_SERVER_HOME", 17, "/evil", 5) == refused),
    ]
  }

  /// Asks sshd to listen. Whether it does.
  func listen(_ address: String, _ port: Int) -> Listener? {
    libssh2_channel_forward_listen_ex(session, address, CInt(port), nil, 0).map { Listener(handle: $0) }
  }

  /// Ends a listening, as if it were one on another port. libssh2 ends only what it began, so the port is changed where
  /// it keeps it, behind five pointers; whether it was there.
  func cancel(_ listener: Listener, of port: Int, asIfOf other: Int) -> Bool {
    let memory = UnsafeMutableRawPointer(listener.handle)
    let offset = 5 * MemoryLayout<UnsafeRawPointer>.size
    guard memory.load(fromByteOffset: offset, as: CInt.self) == CInt(port) else { return false }
    memory.storeBytes(of: CInt(other), toByteOffset: offset, as: CInt.self)
    return libssh2_channel_forward_cancel(listener.handle) == 0
  }

  struct Listener { fileprivate let handle: OpaquePointer }

  /// A part of a message, as SSH writes it.
  enum Field {
    case text(String)
    case number(UInt32)

    fileprivate var bytes: [UInt8] {
      switch self {
      case .text(let text): Field.number(UInt32(text.utf8.count)).bytes + Array(text.utf8)
      case .number(let number): withUnsafeBytes(of: number.bigEndian) { Array($0) }
      }
    }
  }
}

private typealias RemarkCallback =
  @convention(c) (
    OpaquePointer?, CInt, UnsafePointer<CChar>?, CInt, UnsafePointer<CChar>?, CInt,
    UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) -> Void

extension Thief {
  /// Channels and requests that OpenSSH's client does not send, or not so: sshd refuses each. `port` is the key's own, or
  /// one that is free.
  func expectRawRequestsRefused(port: Int, sshd: Running) throws {
    let said = sshd.error.count
    let before = try lab.whatStands()
    let client = try RawClient(self)
    for request in try client.sessionRequests() { #expect(request.isRefused, "\(request.what)") }
    let run = lab.serverHome.appending(path: "registry.db").path
    for (kind, message) in [
      ("direct-streamlocal@openssh.com", [.text(run), .text(""), .number(0)]),
      // The same numbers, if somebody kept only 16 bits of them.
      ("direct-tcpip", [.text("127.0.0.1"), .number(UInt32(65536 + port)), .text("127.0.0.1"), .number(1)]),
      ("direct-tcpip", [.text("127.0.0.1"), .number(UInt32(65536 + lab.ports.hostA)), .text("127.0.0.1"), .number(1)]),
      ("direct-tcpip", [.text("127.0.0.1 "), .number(UInt32(port)), .text("127.0.0.1"), .number(1)]),
      ("direct-tcpip", [.text(""), .number(UInt32(port)), .text("127.0.0.1"), .number(1)]),
      // What only a server opens.
      ("forwarded-tcpip", [.text("127.0.0.1"), .number(UInt32(port)), .text("127.0.0.1"), .number(1)]),
      ("x11", [.text("127.0.0.1"), .number(6000)]), ("auth-agent@openssh.com", []),
      ("tun@openssh.com", [.number(1), .number(0x7fff_ffff)]), ("tun@openssh.com", [.number(2), .number(0x7fff_ffff)]),
    ] as [(String, [RawClient.Field])] {
      let refusal = client.open(kind, message)
      #expect(refusal != nil, "\(kind) \(message)")
      // Not because nobody was there.
      if kind == "direct-tcpip" { #expect(refusal?.contains("prohibited") == true, "\(message): \(refusal ?? "")") }
    }
    #expect(
      client.heard.components(separatedBy: "rejected tunnel device forwarding").count == 3, "not for want of a device")
    try eventually("sshd says that it does not forward to files", within: 60) {
      sshd.error.dropFirst(said).contains("refused streamlocal port forward")
    }
    for (address, number) in [("127.0.0.1", 65536 + port), ("127.0.0.1 ", port), ("127.0.0.1,0.0.0.0", port)] {
      #expect(client.listen(address, number) == nil, "\(address) \(number)")
    }
    try lab.expectStanding(before)
  }
}
