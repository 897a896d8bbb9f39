import FleetProtocol

/// Our part of an `authorized_keys` file that belongs to someone else: the lines between two markers.
enum ManagedBlock {
  static let begin = Array("# BEGIN fleet-server\n".utf8)
  static let end = Array("# END fleet-server\n".utf8)

  /// The file with `content` as the block, every byte outside the markers as it was. The block goes to the end of
  /// a file that has none. Throws `home-unusable` when only one marker is there.
  static func replacing(in file: [UInt8], with content: some Collection<UInt8>) throws(Refusal) -> [UInt8] {
    let block = begin + Array(content) + end
    guard let range = try range(in: file) else {
      let separator: [UInt8] = file.isEmpty || file.last == 0x0A ? [] : [0x0A]
      return file + separator + block
    }
    return Array(file[..<range.lowerBound]) + block + Array(file[range.upperBound...])
  }

  /// What stands in the block; `nil` in a file that has none.
  static func content(of file: [UInt8]) throws(Refusal) -> [UInt8]? {
    try range(in: file).map { Array(file[$0].dropFirst(begin.count).dropLast(end.count)) }
  }

  /// All words outside the block. A key among them would win over ours, since its line comes first.
  static func wordsOutside(_ file: [UInt8]) throws(Refusal) -> Set<[UInt8]> {
    var outside = file
    if let range = try range(in: file) { outside.removeSubrange(range) }
    return Set(
      outside.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }).map { Array($0) })
  }

  /// Where the block stands, markers included; `nil` where there is none. Throws `home-unusable` for one marker alone.
  static func range(in file: [UInt8]) throws(Refusal) -> Range<Int>? {
    let starts = lineStarts(of: begin, in: file)
    let ends = lineStarts(of: end, in: file)
    if starts.isEmpty && ends.isEmpty { return nil }
    guard starts.count == 1, ends.count == 1, starts[0] < ends[0] else {
      throw Refusal(
        .homeUnusable, "the markers of fleet-server's block in authorized_keys are damaged",
        hint: "remove the lines '# BEGIN fleet-server' and '# END fleet-server' and what stands between them")
    }
    return starts[0]..<min(ends[0] + end.count, file.count)
  }

  private static func lineStarts(of marker: [UInt8], in file: [UInt8]) -> [Int] {
    // A marker that ends the file without a newline becomes one as soon as something is written behind it.
    let file = file.last == 0x0A ? file : file + [0x0A]
    var starts: [Int] = []
    var line = 0
    while line < file.count {
      if file[line...].starts(with: marker) { starts.append(line) }
      guard let newline = file[line...].firstIndex(of: 0x0A) else { break }
      line = newline + 1
    }
    return starts
  }
}
