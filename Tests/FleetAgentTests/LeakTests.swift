import CLibSSH2
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

  /// How much is held now: descriptors, resident bytes once what was freed has gone back to the kernel, and bytes that
  /// were allocated and not freed. The last do not grow where the heap only becomes scattered.
  private struct Held {
    let descriptors: Int
    let bytes: Int
    let allocated: Int

    init() throws {
      SSHLibrary.returnFreedMemory()
      descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      bytes = (Int(pages[1]) ?? 0) * 4096
      let heap = mallinfo2()
      allocated = Int(heap.uordblks + heap.hblkhd)
    }

    func check(since before: Held) throws {
      // Less than half a KiB for each of 40 dials: what one of them leaves behind would be more, a table that grew is not.
      let isFlat = bytes <= before.bytes + 1_000_000 && allocated <= before.allocated + 16_384
      guard descriptors <= before.descriptors, isFlat else {
        let grown = Grown(description: "\(before) became \(self)")
        // Of a process that ends by an error, the test sees the signal only.
        FileHandle.standardError.write(Data("\(grown.description)\n".utf8))
        throw grown
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
      // The allocator's own stock of small blocks is full after some thirty.
      var before: Held?
      for round in 0..<80 {
        harness.dialAgain()
        try harness.runToTheEndOfTheDial()
        guard harness.canary == .proved(.up) else { throw Grown(description: "not up") }
        try harness.run { harness.link.channelCount == 0 }
        if round == 39 { before = try Held() }
      }
      try Held().check(since: before!)
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
      try Held().check(since: before!)
    }
  }
}
