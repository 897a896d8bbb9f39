import Testing

@testable import FleetServer

@Suite struct SubprocessTests {
  /// sshd's own line ends, which were shown as `\r` in the refusal of `run`.
  @Test func theLastErrorIsShownWithoutItsCarriageReturn() throws {
    func lastError(_ script: String) throws -> String {
      try Subprocess.run("/bin/sh", ["-c", script]).lastError(limit: 8)
    }
    #expect(try lastError("printf 'one\\r\\ntwo: bad\\r\\n' >&2") == "two: bad")
    #expect(try lastError("printf 'one\\ntwo\\n\\n' >&2") == "two")
    #expect(try lastError("printf 'more than eight' >&2") == "more tha...")
    #expect(try Subprocess.run("/bin/sh", ["-c", "exit 1"]).lastError(limit: 100) == "it says nothing")
  }
}
