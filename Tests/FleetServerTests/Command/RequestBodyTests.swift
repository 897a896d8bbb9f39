import CLinux
import FleetProtocol
import Glibc
import Testing

@testable import FleetServer

@Suite struct RequestBodyTests {
  /// What `body` reads from a pipe that holds the input.
  private func reading<Value>(
    _ input: [UInt8], closes: Bool = true, rest: InputLines.Rest = .line, _ body: (inout InputLines) throws -> Value
  ) throws -> Value {
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
    var lines = InputLines(descriptor: ends[0], rest: rest)
    return try body(&lines)
  }

  private func lines(
    _ input: [UInt8], closes: Bool = true, rest: InputLines.Rest = .line, wait: Duration? = .seconds(5)
  ) throws -> [String] {
    try reading(input, closes: closes, rest: rest) { lines in
      var texts: [String] = []
      while let line = try lines.next(wait: wait) { texts.append(String(decoding: line, as: UTF8.self)) }
      return texts
    }
  }

  @Test func linesWithOrWithoutTheLastNewline() throws {
    #expect(try lines(Array("{}\nmore\n\nlast".utf8)) == ["{}", "more", "", "last"])
    #expect(try lines(Array("{}".utf8)) == ["{}"])
    #expect(try lines(Array("{}\n".utf8)) == ["{}"])
    #expect(try lines([]) == [])
  }

  /// What a tunnel's own connection brings ends where the connection breaks.
  @Test func whatABrokenConnectionLeavesIsNoLine() throws {
    #expect(try lines(Array("{}\nmore\n\nlas".utf8), rest: .nothing, wait: nil) == ["{}", "more", ""])
    #expect(try lines(Array("{}".utf8), rest: .nothing) == [])
  }

  /// More than one read brings, and lines that lie across the ends of reads.
  @Test func manyLinesComeInOrder() throws {
    let wanted = (0..<1000).map { "\($0)" + String(repeating: "x", count: $0 % 50) }
    #expect(try lines(Array((wanted.joined(separator: "\n") + "\n").utf8)) == wanted)
  }

  @Test func nothingAndTooMuchAndTooLate() throws {
    #expect(throws: Refusal.self) {
      try reading([]) { lines in try RequestBody.read(from: &lines) { (line) throws(JSONError) in line } }
    }
    #expect(throws: JSONError.self) { try lines([UInt8](repeating: 0x61, count: Limits.line + 1)) }
    #expect(throws: JSONError.self) {
      try lines(Array("{}\n".utf8) + [UInt8](repeating: 0x61, count: Limits.line) + Array("\n".utf8))
    }
    #expect(throws: JSONError.self) { try lines(Array("{".utf8), closes: false, wait: .milliseconds(50)) }
    let first = try reading(Array("{}\n{".utf8), closes: false) { try $0.next(wait: .seconds(5)) }
    #expect(first == Array("{}".utf8), "a line is there before the next one is")
  }
}
