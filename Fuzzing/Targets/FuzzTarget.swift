/// A reader of what another machine has sent, and what must be true of it whatever that is.
struct FuzzTarget: Sendable {
  /// Also the name of its file in `Corpus`.
  let name: String
  /// What it is sent in earnest; mutations begin here.
  let seeds: [[UInt8]]
  /// Throws a `Finding` for a property that does not hold. It crashes for nothing.
  let run: @Sendable ([UInt8]) throws -> Void

  init(_ name: String, seeds: [String], bytes: [[UInt8]] = [], run: @escaping @Sendable ([UInt8]) throws -> Void) {
    self.name = name
    self.seeds = seeds.map { Array($0.utf8) } + bytes
    self.run = run
  }

  static let all: [FuzzTarget] =
    requestTargets + messageTargets + agentTargets + kernelTargets + hostTargets + laptopTargets + boxTargets
    + terminalTargets
}

/// A property that did not hold.
struct Finding: Error, CustomStringConvertible {
  let description: String
}

func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
  if !condition { throw Finding(description: sentence()) }
}

/// The bytes as text, as programs take command lines and files: what is no UTF-8 is replaced.
func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// The parts of an input for a target that takes several.
func parts(_ bytes: [UInt8]) -> [String] {
  bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { text($0) }
}
