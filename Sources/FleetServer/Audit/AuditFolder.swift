import FleetProtocol
import Glibc

/// The files of rotated entries, each called by its first number.
struct AuditFolder {
  let path: String

  private static let suffix = ".jsonl"
  private static let digits = 12
  private static let largestFile = 1 << 32
  private static let newline = UInt8(ascii: "\n")

  func file(first: Int64) -> String {
    let number = String(first)
    return "\(path)/\(String(repeating: "0", count: max(0, Self.digits - number.count)))\(number)\(Self.suffix)"
  }

  /// The first numbers of the files that there are, in order.
  private func firstNumbers() -> [Int64] {
    FolderListing.names(in: path).compactMap { name in
      guard name.hasSuffix(Self.suffix), let first = Int64(name.dropLast(Self.suffix.count)), first > 0,
        file(first: first) == "\(path)/\(name)"
      else { return nil }
      return first
    }.sorted()
  }

  /// The lines behind a number and up to another, at most `limit` and not much more than so many bytes. A line that tells
  /// no number stands for the one that would be there. Throws `io-failed`.
  func lines(after: Int64, upTo last: Int64, limit: Int, bytes: Int) throws(Refusal) -> [[UInt8]] {
    let all = firstNumbers()
    var found: [[UInt8]] = []
    var size = 0
    for first in all.suffix(from: all.lastIndex { $0 <= after + 1 } ?? 0) where first <= last {
      guard let content = try FileReading.bytes(of: file(first: first), limit: Self.largestFile) else { continue }
      var expected = first
      for line in content.split(separator: Self.newline) {
        let number = AuditLine.number(of: line) ?? expected
        expected = number < Int64.max ? number + 1 : number
        guard number > after, number <= last else { continue }
        guard found.count < limit, size < bytes else { return found }
        found.append(Array(line))
        size += line.count
      }
    }
    return found
  }

  /// Writes a file that is on the disk when this returns. One that is there and goes on otherwise, as after a restored
  /// backup, is kept beside it. Throws `io-failed`.
  func write(_ lines: [[UInt8]], first: Int64) throws(Refusal) {
    let file = file(first: first)
    let content = Array(lines.map { $0 + [Self.newline] }.joined())
    if mkdir(path, 0o700) == 0 {
      try FileReplacement.synchroniseFolder(of: path)
    } else if errno != EEXIST {
      throw .systemCall("\(path) cannot be made")
    }
    if let present = try FileReading.bytes(of: file, limit: Self.largestFile), !content.starts(with: present) {
      var number = 1
      while access("\(file).\(number)", F_OK) == 0 { number += 1 }
      guard rename(file, "\(file).\(number)") == 0 else { throw .systemCall("\(file) cannot be kept") }
    }
    try FileReplacement.write(content, to: file, durable: true)
  }
}
