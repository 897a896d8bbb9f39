/// Inputs that are a little wrong, the same ones at each run.
struct Mutations {
  private let inputs: [[UInt8]]
  private var random: Numbers

  /// SplitMix64.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// What ends, opens or hides something in one of the grammars.
  private static let pieces =
    [
      "\n", "\r\n", "\"", "\\", "'", "%", " ", "\t", "#", "-", "{", "}", "[", ",", ":", "=", "\u{0}", "\u{1B}[2J",
      "\u{7F}",
      "\u{301}", "\u{202E}", "\u{2028}", "\u{FE0F}", "\u{3164}", "\u{85}", "\\u0000", "\\ud83d", "9223372036854775807",
      "-9223372036854775808", "1e308", "null", "ssh-ed25519 ", "command=\"",
    ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0x80, 0, 0, 0]]

  init(inputs: [[UInt8]], seed: String) {
    self.inputs = inputs
    random = Numbers(state: seed.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
  }

  mutating func next() -> [UInt8] {
    var input = inputs.randomElement(using: &random) ?? []
    for _ in 0..<Int.random(in: 1...4, using: &random) { change(&input) }
    return input
  }

  private mutating func change(_ input: inout [UInt8]) {
    let place = Int.random(in: 0...input.count, using: &random)
    let length = min(input.count - place, Int.random(in: 1...16, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: input.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: place)
    case 1: input.removeSubrange(place..<(place + length))
    case 2: if place < input.count { input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
    case 3: input.insert(contentsOf: Array(input[place..<(place + length)]), at: place)
    case 4:
      let other = inputs.randomElement(using: &random) ?? []
      input = Array(input[..<place] + other.suffix(Int.random(in: 0...other.count, using: &random)))
    default:
      input.replaceSubrange(
        place..<(place + length), with: Self.pieces.randomElement(using: &random) ?? [])
    }
  }
}
