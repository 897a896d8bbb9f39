import FleetProtocol
import Foundation
import Synchronization
import Testing

@testable import FleetAgent

@Suite struct StatusSocketTests {
  private static let report = StatusReport(
    name: "kitchen-pi", device: "0", agentVersion: "0.1.0", pid: 1, state: "up", sentence: "up",
    since: Timestamp(seconds: 0), endpoint: nil, remoteAddress: nil, port: 20007, channels: 0, bytesReceived: 0,
    bytesSent: 0, tries: 0, lastError: nil, sshd: nil)

  @Test func holdsTheNameAloneAndAnswers() throws {
    let device = DeviceID(random: .random(in: .min ... .max))
    #expect { try StatusSocket.ask(device.rawValue, owner: getuid(), parse: StatusReport.init(parsing:)) } throws: {
      ($0 as? Refusal)?.code == .stepFailed
    }
    let answer = Mutex<StatusReport?>(nil)
    let isDone = Atomic(false)
    do {
      guard case .taken(let socket) = try StatusSocket.take(device.rawValue, owner: getuid()) else {
        Issue.record("the name is not free")
        return
      }
      guard case .alreadyRunning = try StatusSocket.take(device.rawValue, owner: getuid()) else {
        Issue.record("a second agent could start")
        return
      }
      Thread.detachNewThread {
        let report = try? StatusSocket.ask(device.rawValue, owner: getuid(), parse: StatusReport.init(parsing:))
        answer.withLock { $0 = report }
        isDone.store(true, ordering: .releasing)
      }
      let deadline = ContinuousClock.now + .seconds(20)
      while !isDone.load(ordering: .acquiring), ContinuousClock.now < deadline {
        var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, 20)
        socket.answer(Self.report.line)
      }
    }
    #expect(answer.withLock { $0 } == Self.report)
    // The name is free again when its holder is gone.
    guard case .taken = try StatusSocket.take(device.rawValue, owner: getuid()) else {
      Issue.record("the name stays taken")
      return
    }
  }
}
