import FleetProtocol
import Foundation
import Glibc
import TestProcesses
import Testing
import ThrowawaySSHD

@testable import FleetAgent

@Suite(.timeLimit(.minutes(1))) struct ServiceNotificationTests {
  @Test func theWatchdogIsFedTwiceAsOftenAsItAsks() {
    func interval(_ limit: String?, _ process: String? = nil) -> Duration? {
      ServiceNotification.watchdogInterval(limit_us: limit, process: process, own: 12)
    }
    #expect(interval("60000000") == .seconds(30))
    #expect(interval("60000000", "12") == .seconds(30))
    #expect(interval("60000000", "13") == nil, "meant for another process")
    #expect(interval(nil) == nil)
    #expect(interval("0") == nil && interval("soon") == nil)
  }

  /// The program as a service: it is ready before HostA answers, says what it does, and shows that its loop turns.
  @Test func theAgentTellsTheServiceManager() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-notify-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let publicKey = try ThrowawaySSHD.makeKey(at: folder.appending(path: "key"))
    let configuration = AgentConfiguration(
      device: DeviceID(random: .random(in: 0...UInt64.max)), name: try DeviceName(validating: "kitchen-pi"),
      port: TCPPort(20007)!,
      host: HostAddress(
        account: try LoginName(validating: "fleet"),
        endpoints: [.init(address: "127.0.0.1", port: TCPPort(try ThrowawaySSHD.freePort())!)],
        hostKeys: [try PublicKey(parsing: publicKey)]),
      keyFile: "key", sshdPort: TCPPort(22)!, reportHostKeys: false)
    let path = folder.appending(path: "agent.json").path
    try Data(configuration.text.utf8).write(to: URL(filePath: path))
    let manager = folder.appending(path: "notify").path
    let descriptor = try Self.datagramSocket(at: manager)
    defer { close(descriptor) }
    let program = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "fleet-agent").path
    let agent = try ChildProcess(
      "/usr/bin/env", ["NOTIFY_SOCKET=\(manager)", "WATCHDOG_USEC=200000", program, "run", "--config", path])
    defer { agent.terminate() }
    var said: [String] = []
    var signs = 0
    while signs < 3 || !said.contains(where: { $0.hasPrefix("STATUS=waiting") }) {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      try #require(count > 0, "nothing more came after \(said)")
      let message = String(decoding: buffer[..<count], as: UTF8.self)
      if message == "WATCHDOG=1" { signs += 1 } else { said.append(message) }
    }
    #expect(said.first == "READY=1")
  }

  private static func datagramSocket(at path: String) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0)
    return descriptor
  }
}
