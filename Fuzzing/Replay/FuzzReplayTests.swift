import FleetProtocol
import Foundation
import Testing

/// The targets of `make fuzz` without libFuzzer: what is kept of its inputs, and mutations from a seed that never changes.
@Suite struct FuzzReplayTests {
  static let names = FuzzTarget.all.map(\.name)

  @Test(arguments: names) func whatWasKeptHolds(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let kept = try Self.corpus(of: target)
    #expect(!kept.isEmpty, "Fuzzing/Corpus/\(name) is missing; KEEP=1 makes it")
    for input in target.seeds + kept { Self.expectHolds(target, input) }
  }

  @Test(arguments: names) func mutationsHold(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let clock = ContinuousClock()
    let end = clock.now + .seconds(2)
    var mutations = Mutations(inputs: target.seeds + (try Self.corpus(of: target)), seed: name)
    var count = 0
    // A debug build on a busy machine does fewer.
    while count < 20_000, clock.now < end || count < 500 {
      guard Self.expectHolds(target, mutations.next()) else { return }
      count += 1
    }
  }

  /// Nothing that a line can hold takes longer than it should: each input again and again, as long as the longest line.
  @Test(arguments: names) func longInputsTakeTheirTimeAndNoMore(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    for seed in target.seeds where !seed.isEmpty {
      let long = Array((0..<(Limits.line / seed.count)).map { _ in seed }.joined())
      let took = ContinuousClock().measure { Self.expectHolds(target, long) }
      #expect(
        took < .seconds(20), "\(took) for \(long.count) bytes of \(String(decoding: seed.prefix(60), as: UTF8.self))")
    }
  }

  @Test func everyFileOfTheCorpusBelongsToATarget() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(files).subtracting(Self.names).isEmpty)
    #expect(Set(Self.names).count == Self.names.count)
  }

  @discardableResult static func expectHolds(_ target: FuzzTarget, _ input: [UInt8]) -> Bool {
    do {
      try target.run(input)
      return true
    } catch {
      Issue.record("\(target.name): \(error)\ninput: \(Base64.encode(input))")
      return false
    }
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Corpus")

  /// A line of base64 for each input.
  private static func corpus(of target: FuzzTarget) throws -> [[UInt8]] {
    let file = folder.appending(path: target.name)
    guard FileManager.default.fileExists(atPath: file.path) else { return [] }
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { Base64.decode($0) }
  }
}
