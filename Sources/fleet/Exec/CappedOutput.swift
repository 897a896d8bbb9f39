/// The beginning of what a device has written, and how much more there was.
struct CappedOutput: Hashable {
  /// What is kept of one device, for each stream that is kept by itself.
  static let limit = 1 << 20

  private(set) var bytes: [UInt8] = []
  private(set) var cut = 0

  mutating func add(_ more: ArraySlice<UInt8>) {
    let room = Self.limit - bytes.count
    bytes += more.prefix(room)
    cut += max(0, more.count - room)
    guard cut > 0 else { return }
    // A character is not cut in two: at most three bytes of one can stand at the end.
    let tail = bytes.suffix(4).reversed().prefix { $0 & 0xC0 == 0x80 }.count
    guard tail < 4, let lead = bytes.dropLast(tail).last, lead & 0xC0 == 0xC0 else { return }
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    guard tail + 1 < length else { return }
    bytes.removeLast(tail + 1)
    cut += tail + 1
  }
}
