/// Bytes on their way in one direction, at most `capacity`: a full queue is what holds back a fast sender.
struct ByteQueue {
  private var storage: [UInt8]
  private var start = 0
  private var end = 0

  init(capacity: Int = 128 << 10) { storage = [UInt8](repeating: 0, count: capacity) }

  var isEmpty: Bool { start == end }
  var hasRoom: Bool { end < storage.count || start > 0 }

  /// `read` gets the free space and says how many bytes it put there.
  mutating func fill(_ read: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
    if start > 0 {
      storage.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
      end -= start
      start = 0
    }
    let free = end..<storage.count
    let count = storage.withUnsafeMutableBytes { read(UnsafeMutableRawBufferPointer(rebasing: $0[free])) }
    if count > 0 { end += count }
    return count
  }

  /// `write` gets the waiting bytes and says how many it took.
  mutating func drain(_ write: (UnsafeRawBufferPointer) -> Int) -> Int {
    let count = storage.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    if count > 0 { start += count }
    if start == end {
      start = 0
      end = 0
    }
    return count
  }
}
