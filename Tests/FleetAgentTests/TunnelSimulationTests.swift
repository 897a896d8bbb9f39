import Foundation
import Synchronization
import Testing

@testable import FleetAgent

@Suite(.timeLimit(.minutes(10))) struct TunnelSimulationTests {
  /// How many days are lived through; `make simulation` asks for 10,000.
  private static let days = ProcessInfo.processInfo.environment["FLEET_SIMULATED_DAYS"].flatMap(UInt64.init) ?? 300

  /// 24 h of virtual time each, with every fault: never stuck, never two tunnels, and up again soon after the last.
  @Test func aDayWithEveryFaultEndsWithOneTunnel() {
    let wrong = Mutex<[String]>([])
    let events = Atomic(0)
    let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      for seed in stride(from: UInt64(worker), to: Self.days, by: workers) {
        var simulation = TunnelSimulation(seed: seed)
        do {
          try simulation.run()
          if !simulation.isWell { wrong.withLock { $0.append("seed \(seed): not well at the end") } }
        } catch {
          wrong.withLock { $0.append("seed \(seed): \(error)") }
        }
        events.add(simulation.eventCount, ordering: .relaxed)
      }
    }
    let found = wrong.withLock { $0 }
    #expect(found.isEmpty, "\(found.count) of \(Self.days) days: \(found.prefix(5))")
    #expect(events.load(ordering: .relaxed) > 100 * Int(Self.days))
  }
}
