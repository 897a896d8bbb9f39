import Testing

@testable import FleetAgent

@Suite struct NetworkChangesTests {
  private final class Reader {
    private var changes = NetworkChanges()
    func read(_ datagram: [UInt8]) -> Bool { changes.read(datagram) }
  }

  private func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

  private func message(_ kind: UInt16, _ body: [UInt8]) -> [UInt8] {
    bytes(UInt32(16 + body.count)) + bytes(kind) + bytes(UInt16(0)) + bytes(UInt32(0)) + bytes(UInt32(0)) + body
  }

  private func link(_ index: UInt32, flags: UInt32) -> [UInt8] {
    message(16, [0, 0, 0, 0] + bytes(index) + bytes(flags) + bytes(UInt32.max))
  }

  private func address(_ kind: UInt16 = 20, last: UInt8, flags: UInt8 = 0) -> [UInt8] {
    let attribute = bytes(UInt16(8)) + bytes(UInt16(1)) + [192, 168, 0, last]
    let lifetime = bytes(UInt16(8)) + bytes(UInt16(6)) + [last, flags, 3, 4]
    return message(kind, [2, 24, flags, 0] + bytes(UInt32(3)) + attribute + lifetime)
  }

  private func route(flags: UInt32) -> [UInt8] { message(24, [2, 0, 0, 0, 254, 3, 0, 1] + bytes(flags)) }

  @Test func carriersCountWhenTheyComeOrGo() {
    let changes = Reader()
    #expect(changes.read(link(2, flags: 0x11043)))
    #expect(!changes.read(link(2, flags: 0x11043)), "announced again")
    #expect(changes.read(link(2, flags: 0x1003)))
    #expect(changes.read(link(2, flags: 0x11043)))
    #expect(!changes.read(link(7, flags: 0x1003)), "a new link without a carrier")
  }

  @Test func addressesCountWhenTheyCanBeUsedOrAreGone() {
    let changes = Reader()
    #expect(changes.read(address(last: 9)))
    #expect(!changes.read(address(last: 9)), "renewed")
    #expect(changes.read(address(last: 10)))
    #expect(changes.read(address(21, last: 9)))
  }

  @Test func routesCountUnlessTheKernelOnlyRemembersThem() {
    let changes = Reader()
    #expect(changes.read(route(flags: 0)))
    #expect(!changes.read(route(flags: 0x200)))
  }

  @Test func readsSeveralMessagesAndSurvivesNonsense() {
    let changes = Reader()
    #expect(changes.read(route(flags: 0x200) + address(last: 1)))
    #expect(!changes.read([]))
    #expect(!changes.read([1, 0, 0]))
    #expect(!changes.read(bytes(UInt32(4000)) + bytes(UInt16(20)) + [UInt8](repeating: 0, count: 20)))
    #expect(!changes.read(message(20, [])))
    #expect(!changes.read(message(16, [0])))
    var random = SeededGenerator(seed: 1)
    for _ in 0..<2000 {
      var datagram = address(last: 3) + link(4, flags: 0)
      for _ in 0..<4 {
        datagram[Int.random(in: 0..<datagram.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      _ = changes.read(datagram)
    }
  }

  /// The kernel of this machine announces what happens to it.
  @Test func theKernelIsListenedTo() throws {
    let watch = try #require(NetworkWatch())
    #expect(!watch.hasChanged())
  }
}
