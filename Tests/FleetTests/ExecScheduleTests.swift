import FleetProtocol
import Testing

@testable import fleet

/// Whose turn it is when a command runs on many devices.
@Suite struct ExecScheduleTests {
  private func job(_ name: String, queued id: String? = nil) -> ExecJob {
    ExecJob(
      device: try! DeviceName(validating: name), command: "true", queued: id.map { try! QueueID(validating: $0) })
  }

  private let ok = ExecOutcome(state: .ok, status: 0)

  @Test func neverMoreThanTheLimitAndEachOnce() {
    var schedule = ExecSchedule(limit: 3, timeout: nil)
    var actions = schedule.handle(.added((0..<20).map { job("box-\($0)") }), at: .zero)
    var begun: [Int] = []
    var atWork: Set<Int> = []
    while !schedule.isIdle {
      for case .begin(let index) in actions {
        begun.append(index)
        atWork.insert(index)
      }
      #expect(atWork.count <= 3 && atWork.count == schedule.countAtWork)
      let next = atWork.removeFirst()
      actions = schedule.handle(.ended(next, ok, .yes), at: .seconds(begun.count))
    }
    #expect(begun == Array(0..<20))
    #expect(schedule.settled.count == 20 && schedule.settled.allSatisfy { $0.outcome.state == .ok })
  }

  @Test func whatTakesTooLongIsStoppedOnceAndTellsWhy() {
    var schedule = ExecSchedule(limit: 5, timeout: .seconds(30))
    _ = schedule.handle(.added([job("a"), job("b")]), at: .seconds(1))
    #expect(schedule.nextWake(after: .seconds(1)) == .seconds(31))
    #expect(schedule.handle(.clock, at: .seconds(30)) == [])
    #expect(schedule.handle(.clock, at: .seconds(31)) == [.stop(0), .stop(1)])
    #expect(schedule.handle(.clock, at: .seconds(32)) == [])
    #expect(schedule.nextWake(after: .seconds(32)) == nil)
    _ = schedule.handle(.ended(0, ExecOutcome(state: .unreachable), .yes), at: .seconds(33))
    // It had ended by itself in the same moment.
    _ = schedule.handle(.ended(1, ExecOutcome(state: .failed, status: 3), .yes), at: .seconds(33))
    #expect(schedule.outcomes[0] == ExecOutcome(state: .timedOut, duration: .seconds(32)))
    #expect(schedule.outcomes[1] == ExecOutcome(state: .failed, status: 3, duration: .seconds(32)))
  }

  @Test func aWayThatDoesNotOpenIsTriedThreeTimesWithGrowingPauses() {
    var schedule = ExecSchedule(limit: 5, timeout: nil)
    let busy = ExecOutcome(state: .unreachable, message: "HostA does not answer")
    #expect(schedule.handle(.added([job("a")]), at: .zero) == [.begin(0)])
    #expect(schedule.handle(.ended(0, busy, .notYet), at: .zero) == [])
    #expect(schedule.nextWake(after: .zero) == .seconds(1))
    #expect(schedule.handle(.clock, at: .seconds(1)) == [.begin(0)])
    #expect(schedule.handle(.ended(0, busy, .notYet), at: .seconds(1)) == [])
    #expect(schedule.handle(.clock, at: .seconds(2)) == [])
    #expect(schedule.handle(.clock, at: .seconds(3)) == [.begin(0)])
    _ = schedule.handle(.ended(0, busy, .notYet), at: .seconds(4))
    #expect(schedule.isIdle && schedule.outcomes[0]?.state == .unreachable)
    #expect(schedule.outcomes[0]?.duration == .seconds(4))

    // What HostA refuses for good is not tried again.
    _ = schedule.handle(.added([job("b")]), at: .seconds(5))
    _ = schedule.handle(.ended(1, ExecOutcome(state: .offline), .no), at: .seconds(5))
    #expect(schedule.isIdle && schedule.outcomes[1]?.state == .offline)
  }

  @Test func anInterruptionTellsWhatWasBegunFromWhatWasNot() {
    var schedule = ExecSchedule(limit: 2, timeout: nil)
    _ = schedule.handle(.added([job("a"), job("b"), job("c")]), at: .zero)
    #expect(schedule.handle(.interrupted, at: .seconds(1)) == [.settle(2), .stop(0), .stop(1)])
    _ = schedule.handle(.ended(0, ExecOutcome(state: .unreachable), .yes), at: .seconds(1))
    _ = schedule.handle(.ended(1, ExecOutcome(state: .unreachable), .notYet), at: .seconds(1))
    #expect(schedule.settled.map(\.outcome.state) == [.interrupted, .notRun, .notRun])
    // Nothing comes after it.
    #expect(schedule.handle(.added([job("d")]), at: .seconds(2)) == [])
  }

  @Test func nothingIsBegunWhileTheOutputIsHeldUp() {
    var schedule = ExecSchedule(limit: 2, timeout: nil)
    schedule.isHeldUp = true
    #expect(schedule.handle(.added([job("a")]), at: .zero) == [])
    schedule.isHeldUp = false
    #expect(schedule.handle(.clock, at: .zero) == [.begin(0)])
  }

  @Test func queuedCommandsOfADeviceRunOneAfterAnother() throws {
    var schedule = ExecSchedule(limit: 9, timeout: nil)
    let jobs = [job("a", queued: "00000001"), job("a", queued: "00000002"), job("b", queued: "00000001")]
    #expect(schedule.handle(.added(jobs), at: .zero) == [.begin(0), .begin(2)])
    #expect(schedule.handle(.ended(0, ExecOutcome(state: .failed, status: 1), .yes), at: .zero) == [.begin(1)])
    _ = schedule.handle(.ended(1, ok, .yes), at: .zero)
    #expect(schedule.settled.map(\.outcome.state) == [.failed, .ok])
    #expect(try schedule.knows(QueueID(validating: "00000002"), of: DeviceName(validating: "a")))
    #expect(try !schedule.knows(QueueID(validating: "00000002"), of: DeviceName(validating: "b")))
  }

  @Test func aQueuedCommandThatWasNotBegunWaitsOnAndSoDoThoseBehindIt() throws {
    var schedule = ExecSchedule(limit: 9, timeout: nil)
    let jobs = [job("a", queued: "00000001"), job("a", queued: "00000002")]
    _ = schedule.handle(.added(jobs), at: .zero)
    #expect(schedule.handle(.ended(0, ExecOutcome(state: .offline), .no), at: .zero) == [])
    #expect(schedule.isIdle && schedule.settled.isEmpty)
    for id in ["00000001", "00000002"] {
      #expect(try !schedule.knows(QueueID(validating: id), of: DeviceName(validating: "a")))
    }
    // The device is back: they come again, in their order.
    #expect(schedule.handle(.added(jobs), at: .seconds(5)) == [.begin(2)])
    // One whose connection was lost has been begun, and what is behind it waits for the next look.
    _ = schedule.handle(.ended(2, ExecOutcome(state: .unreachable), .yes), at: .seconds(6))
    #expect(schedule.isIdle && schedule.settled.map(\.outcome.state) == [.unreachable])
  }
}
