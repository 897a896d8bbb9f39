import Testing

@testable import FleetSSH

@Suite struct ServerPrefaceTests {
  /// A line before the version, and behind it bytes that look like a list of algorithms.
  @Test func whatStandsBeforeTheBannerNamesNoAlgorithms() {
    let lists: [UInt8] = (0..<10).flatMap { _ in [0, 0, 0, 1, 0x61] }
    let packet: [UInt8] = [0, 0, 0, 68, 6, 20] + [UInt8](repeating: 7, count: 16) + lists
    #expect(preface(Array("welcome\n".utf8) + packet).algorithms.isEmpty)
    #expect(preface(Array("welcome\nSSH-2.0-x\r\n".utf8) + packet).algorithms.count == 10)
    #expect(preface(Array("SSH-2.0-x\r\n".utf8) + packet.dropLast()).algorithms.isEmpty, "it is not whole")
  }

  @Test func onlyWhatNeverSpeaksSSHIsEndless() {
    let much = Array(String(repeating: "welcome\n", count: 10_000).utf8)
    #expect(preface(much).isEndless)
    #expect(!preface(Array("SSH-2.0-x\r\n".utf8) + much).isEndless)
    #expect(!preface(Array("welcome\n".utf8)).isEndless)
  }

  /// libssh2 takes what comes before the keys byte by byte; each byte once had all before it read again.
  @Test func aLongPrefaceByteByByteTakesItsTimeAndNoMore() {
    var preface = ServerPreface()
    let took = ContinuousClock().measure {
      for byte in [UInt8](repeating: 0x61, count: 70_000) { withUnsafeBytes(of: byte) { preface.append($0) } }
    }
    #expect(took < .seconds(10) && preface.isEndless)
  }

  private func preface(_ bytes: [UInt8]) -> ServerPreface {
    var preface = ServerPreface()
    bytes.withUnsafeBytes { preface.append($0) }
    return preface
  }
}
