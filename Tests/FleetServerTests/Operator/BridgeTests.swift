import CLinux
import Foundation
import Testing

@testable import FleetServer

@Suite struct ByteQueueTests {
  @Test func whatGoesInComesOutInOrderAndNoMoreThanFits() {
    var queue = ByteQueue(capacity: 8)
    var next: UInt8 = 0
    var out: [UInt8] = []
    for round in 0..<50 {
      _ = queue.fill { space in
        for index in space.indices { space[index] = next &+ UInt8(index) }
        return space.count
      }
      next &+= UInt8(8 - (round == 0 ? 0 : 5))
      #expect(!queue.hasRoom)
      _ = queue.drain { bytes in
        out += bytes.prefix(3)
        return 3
      }
      #expect(queue.hasRoom && !queue.isEmpty)
    }
    #expect(out == (0..<150).map { UInt8($0) })
  }

  @Test func anErrorChangesNothing() {
    var queue = ByteQueue(capacity: 8)
    #expect(queue.fill { _ in -1 } == -1)
    #expect(queue.isEmpty)
  }
}

/// The bridge between pipes and socket pairs, as sshd and a tunnel would be.
@Suite struct BridgeTests {
  private struct Ends {
    var operatorSide: Int32
    var deviceSide: Int32
    var signal: Int32
    var done: DispatchSemaphore
    var counts: @Sendable () -> (Int64, Int64)
  }

  private final class Counts: @unchecked Sendable { var value: (Int64, Int64) = (0, 0) }

  private func start() -> Ends {
    func pair() -> (Int32, Int32) {
      var pair: [Int32] = [0, 0]
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair)
      return (pair[0], pair[1])
    }
    let (operatorSide, operatorEnd) = pair()
    let (deviceSide, deviceEnd) = pair()
    var signals: [Int32] = [0, 0]
    _ = clinux_pipe(&signals)
    let (signalEnd, done, counts) = (signals[0], DispatchSemaphore(value: 0), Counts())
    Thread.detachNewThread {
      var bridge = Bridge(input: operatorEnd, output: operatorEnd, device: deviceEnd, signals: signalEnd)
      bridge.run()
      counts.value = (bridge.bytesToDevice, bridge.bytesFromDevice)
      for descriptor in [operatorEnd, deviceEnd, signalEnd] { close(descriptor) }
      done.signal()
    }
    return Ends(
      operatorSide: operatorSide, deviceSide: deviceSide, signal: signals[1], done: done, counts: { counts.value })
  }

  private func all(_ descriptor: Int32) -> [UInt8] {
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { content += chunk[..<count] }
    return content
  }

  private func ended(_ ends: Ends) -> Bool { ends.done.wait(timeout: .now() + 10) == .success }

  @Test func aLargeUploadThenAnAnswerAfterTheHalfClose() throws {
    let ends = start()
    let sent = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let operatorSide = ends.operatorSide
    Thread.detachNewThread {
      var written = 0
      while written < sent.count {
        let count = sent[written...].withUnsafeBytes { write(operatorSide, $0.baseAddress, $0.count) }
        if count <= 0 { break }
        written += count
      }
      shutdown(operatorSide, Int32(SHUT_WR))
    }
    // Nothing is read for a while: the queue holds the sender back and loses nothing.
    usleep(50_000)
    #expect(all(ends.deviceSide) == sent)
    write(ends.deviceSide, "thanks", 6)
    close(ends.deviceSide)
    #expect(all(ends.operatorSide) == Array("thanks".utf8))
    #expect(ended(ends))
    #expect(ends.counts() == (Int64(sent.count), 6))
    close(ends.operatorSide)
    close(ends.signal)
  }

  @Test func itEndsWhenTheOperatorIsGone() {
    let ends = start()
    close(ends.operatorSide)
    #expect(ended(ends))
    #expect(all(ends.deviceSide).isEmpty)
    close(ends.deviceSide)
    close(ends.signal)
  }

  @Test func itEndsWhenTheDeviceIsGone() {
    let ends = start()
    close(ends.deviceSide)
    #expect(ended(ends))
    close(ends.operatorSide)
    close(ends.signal)
  }

  @Test func itEndsWhenAsked() {
    let ends = start()
    write(ends.signal, "x", 1)
    #expect(ended(ends))
    for descriptor in [ends.operatorSide, ends.deviceSide, ends.signal] { close(descriptor) }
  }
}
