public import Foundation
internal import Glibc
internal import TestProcesses

/// A stock sshd for one test, on a free port of 127.0.0.1, run by whoever runs the tests; it ends with `stop`.
public final class ThrowawaySSHD {
  /// What could not be prepared.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let port: UInt16
  /// Everything of this server lies here; removed by `stop`.
  public let folder: URL
  /// The server's host keys as `.pub` lines without comments, in the order of `hostKeyTypes`.
  public let hostKeys: [String]
  private let process: ChildProcess

  /// The account that the server lets in.
  public static var account: String { String(cString: getpwuid(getuid()).pointee.pw_name) }

  /// Starts the server and waits until it accepts connections.
  ///
  /// `authorizedKeys` is the text of the key file, `options` are further lines of sshd_config(5).
  public init(authorizedKeys: String, hostKeyTypes: [String] = ["ed25519"], options: [String] = []) throws {
    folder = URL(fileURLWithPath: NSTemporaryDirectory()).appending(path: "throwaway-sshd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // Only root's sshd wants its privilege separation folder.
    if getuid() == 0 { mkdir("/run/sshd", 0o755) }
    var lines = [
      "ListenAddress 127.0.0.1", "AuthorizedKeysFile \(folder.path)/authorized_keys", "StrictModes no", "UsePAM no",
      "PidFile none", "PermitRootLogin yes", "AllowStreamLocalForwarding no", "MaxStartups 200", "LogLevel ERROR",
    ]
    var keys: [String] = []
    for type in hostKeyTypes {
      keys.append(try Self.makeKey(type: type, at: folder.appending(path: "host_\(type)")))
      lines.append("HostKey \(folder.path)/host_\(type)")
    }
    hostKeys = keys
    try Data(authorizedKeys.utf8).write(to: folder.appending(path: "authorized_keys"))
    try Data((lines + options).joined(separator: "\n").utf8).write(to: folder.appending(path: "sshd_config"))
    (process, port) = try Self.start(folder)
  }

  deinit { stop() }

  public func stop() {
    // Its sessions are children that outlive it: they end when the clients' sockets do.
    process.terminate()
    try? FileManager.default.removeItem(at: folder)
  }

  /// Makes a key without passphrase and returns its `.pub` line without the comment.
  public static func makeKey(type: String = "ed25519", at path: URL) throws -> String {
    let status = try ChildProcess("/usr/bin/ssh-keygen", ["-q", "-t", type, "-N", "", "-f", path.path]).wait()
    guard status == 0 else { throw Failure(description: "ssh-keygen failed") }
    let line = try String(contentsOf: URL(fileURLWithPath: path.path + ".pub"), encoding: .utf8)
    return line.split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// What `ssh-keygen -y` says of a private key's file, without the comment.
  public static func publicLine(ofPrivateKeyAt path: String) throws -> String {
    let output = path + ".out"
    defer { unlink(output) }
    let status = try ChildProcess("/bin/sh", ["-c", "ssh-keygen -y -f \"$0\" > \"$0.out\"", path]).wait()
    guard status == 0 else { throw Failure(description: "ssh-keygen does not read the key") }
    let line = try String(contentsOf: URL(fileURLWithPath: output), encoding: .utf8)
    return line.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
  }

  /// A port that nothing listens on now, below those that the kernel gives to outgoing connections, which would take it.
  public static func freePort() throws -> UInt16 {
    for _ in 0..<100 {
      let port = UInt16.random(in: 10_000..<18_000)
      if isFree(port) { return port }
    }
    throw Failure(description: "no free port")
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private static func start(_ folder: URL) throws -> (ChildProcess, UInt16) {
    // Another process may take the port between finding and using it, so this is tried anew.
    for _ in 0..<5 {
      let port = try freePort()
      let process = try ChildProcess(
        "/usr/sbin/sshd", ["-D", "-e", "-f", "\(folder.path)/sshd_config", "-p", String(port)])
      let deadline = ContinuousClock.now + .seconds(10)
      while process.isRunning, ContinuousClock.now < deadline {
        if accepts(port) { return (process, port) }
        usleep(10_000)
      }
      process.terminate()
    }
    throw Failure(description: "sshd does not start; see above")
  }

  private static func accepts(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
