import CLinux
import FleetProtocol
import Glibc
import Testing

@testable import FleetServer

@Suite struct RequestBodyTests {
  private func line(_ input: [UInt8], closes: Bool = true, wait: Duration = .seconds(5)) throws -> String {
    var ends: [Int32] = [0, 0]
    _ = clinux_pipe(&ends)
    defer { close(ends[0]) }
    var written = 0
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    while written < input.count {
      let count = input[written...].withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
      if count <= 0 { break }
      written += count
    }
    if closes { close(ends[1]) }
    defer { if !closes { close(ends[1]) } }
    return String(decoding: try RequestBody.line(descriptor: ends[0], wait: wait), as: UTF8.self)
  }

  @Test func oneLineWithOrWithoutItsNewline() throws {
    #expect(try line(Array("{}\nmore".utf8)) == "{}")
    #expect(try line(Array("{}".utf8)) == "{}")
  }

  @Test func nothingAndTooMuchAndTooLate() {
    #expect(throws: JSONError.self) { try line([]) }
    #expect(throws: JSONError.self) { try line([UInt8](repeating: 0x61, count: Limits.line + 1)) }
    #expect(throws: JSONError.self) { try line(Array("{".utf8), closes: false, wait: .milliseconds(50)) }
  }
}
