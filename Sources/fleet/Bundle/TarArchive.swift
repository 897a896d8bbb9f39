/// A ustar archive, as any tar reads it: everything belongs to root.
enum TarArchive {
  /// The end of an archive.
  static let end = [UInt8](repeating: 0, count: 1024)

  static func folder(_ path: String, modified_s: Int64) -> [UInt8] {
    header(path + "/", mode: 0o755, size: 0, type: UInt8(ascii: "5"), modified_s: modified_s)
  }

  static func file(_ path: String, _ bytes: [UInt8], mode: UInt16, modified_s: Int64) -> [UInt8] {
    fileHeader(path, size: bytes.count, mode: mode, modified_s: modified_s) + padded(bytes)
  }

  /// What stands before a file's bytes.
  static func fileHeader(_ path: String, size: Int, mode: UInt16, modified_s: Int64) -> [UInt8] {
    header(path, mode: mode, size: size, type: UInt8(ascii: "0"), modified_s: modified_s)
  }

  /// A file's bytes, filled up to whole blocks.
  static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  private static func header(_ path: String, mode: UInt16, size: Int, type: UInt8, modified_s: Int64) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: some StringProtocol, _ offset: Int) {
      for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
    }
    func octal(_ value: some BinaryInteger, _ offset: Int, digits: Int) {
      let text = String(value, radix: 8)
      put(String(repeating: "0", count: digits - text.utf8.count) + text, offset)
    }
    // A longer path is parted at a slash; a device's name and one file's never need more than one.
    let slash = path.utf8.count > 100 ? path.dropLast().lastIndex(of: "/") : nil
    put(slash.map { path[path.index(after: $0)...] } ?? path[...], 0)
    if let slash { put(path[..<slash], 345) }
    octal(mode, 100, digits: 7)
    octal(0, 108, digits: 7)
    octal(0, 116, digits: 7)
    octal(size, 124, digits: 11)
    octal(max(0, modified_s), 136, digits: 11)
    block[156] = type
    put("ustar", 257)
    put("00", 263)
    put("root", 265)
    put("root", 297)
    for index in 148..<156 { block[index] = UInt8(ascii: " ") }
    octal(block.reduce(0) { $0 + Int($1) }, 148, digits: 6)
    block[154] = 0
    return block
  }
}
