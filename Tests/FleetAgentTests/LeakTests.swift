import FleetProtocol
import FleetSSH
import Foundation
import Testing
import ThrowawaySSHD

@testable import FleetAgent

/// Nothing stays behind of what is over. Each test has a process of its own, whose descriptors and memory are only its.
/// `make bench-leaks` does the same many times over. They run by themselves, as `make test` does first: beside tests
/// that start and await children of their own, the library waits for ever for the processes that it started here.
@Suite(
  .serialized, .timeLimit(.minutes(10)),
  .enabled(if: ProcessInfo.processInfo.environment["FLEET_LEAK_TESTS"] != nil, "make test runs them by themselves"))
struct LeakTests {
  struct Grown: Error, CustomStringConvertible { let description: String }

  /// How much is held now: descriptors, and resident bytes once what was freed has gone back to the kernel.
  private struct Held {
    let descriptors: Int
    let bytes: Int

    init() throws {
      SSHLibrary.returnFreedMemory()
      descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      bytes = (Int(pages[1]) ?? 0) * 4096
    }

    func check(since before: Held, allowing_bytes allowed: Int) throws {
      guard descriptors <= before.descriptors, bytes <= before.bytes + allowed else {
        throw Grown(
          description: "\(before.descriptors) descriptors and \(before.bytes) bytes became \(descriptors) and \(bytes)")
      }
    }
  }

  @Test func reconnectingLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let server = try LocalServer()
      let harness = try LinkHarness(sshdPort: server.port)
      defer {
        harness.stop()
        server.stop()
      }
      var before: Held?
      for round in 0..<40 {
        harness.dialAgain()
        try harness.runToTheEndOfTheDial()
        guard harness.canary == .proved(.up) else { throw Grown(description: "not up") }
        try harness.run { harness.link.channelCount == 0 }
        if round == 9 { before = try Held() }
      }
      try Held().check(since: before!, allowing_bytes: 1_000_000)
    }
  }

  @Test func channelsLeaveNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let server = try LocalServer()
      let harness = try LinkHarness(sshdPort: server.port)
      defer {
        harness.stop()
        server.stop()
      }
      try harness.runToTheEndOfTheDial()
      try harness.run { harness.link.channelCount == 0 }
      var before: Held?
      for round in 0..<300 {
        let socket = try LoopbackSocket(connectingTo: harness.port)
        try harness.run { harness.link.channelCount == 1 }
        socket.shutDown()
        try harness.run { harness.link.channelCount == 0 }
        if round == 99 { before = try Held() }
      }
      try Held().check(since: before!, allowing_bytes: 1_000_000)
    }
  }
}
