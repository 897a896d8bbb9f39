/// What an SSH server says in clear text before keys are exchanged: its banner and its KEXINIT (RFC 4253, 4.2 and 7.1).
///
/// libssh2 only says that no algorithm is common; the names stand here.
struct ServerPreface {
  private var bytes: [UInt8] = []
  private var isComplete = false
  /// The server's lists, in the order of RFC 4253 section 7.1; empty until its KEXINIT has come.
  private(set) var algorithms: [[String]] = []

  mutating func append(_ more: UnsafeRawBufferPointer) {
    guard !isComplete else { return }
    bytes.append(contentsOf: more)
    if let lists = Self.algorithms(in: bytes) { algorithms = lists }
    isComplete = !algorithms.isEmpty || bytes.count > 1 << 16
    if !algorithms.isEmpty { bytes = [] }
  }

  /// The first line that is not an SSH banner, such as `Not allowed at this time`; `nil` when SSH was spoken.
  var foreignLine: String? {
    guard algorithms.isEmpty, !bytes.isEmpty else { return nil }
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    return line.starts(with: Array("SSH-".utf8)) ? nil : String(decoding: line.prefix(200), as: UTF8.self)
  }

  /// The ten name lists of the KEXINIT that follows the banner, `nil` while it is not complete.
  static func algorithms(in bytes: [UInt8]) -> [[String]]? {
    var start = 0
    while let end = bytes[start...].firstIndex(of: 0x0A) {
      let isBanner = bytes[start..<end].starts(with: "SSH-".utf8)
      start = end + 1
      if isBanner { break }
    }
    func number(at index: Int) -> Int? {
      guard index + 4 <= bytes.count else { return nil }
      return bytes[index..<(index + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    // Packet length, padding length, message number 20, a cookie of 16 bytes, then the lists.
    guard start > 0, bytes.count > start + 5, bytes[start + 5] == 20 else { return nil }
    var position = start + 6 + 16
    var lists: [[String]] = []
    while lists.count < 10 {
      guard let length = number(at: position), length < 1 << 16, position + 4 + length <= bytes.count else {
        return nil
      }
      let text = String(decoding: bytes[(position + 4)..<(position + 4 + length)], as: UTF8.self)
      lists.append(text.split(separator: ",").map(String.init))
      position += 4 + length
    }
    return lists
  }
}

/// One kind of algorithm that both sides must agree on.
struct AlgorithmKind {
  let name: String
  /// Where its list stands in a KEXINIT.
  let index: Int
  /// libssh2's number for it (LIBSSH2_METHOD_*).
  let method: Int32

  static let all = [
    AlgorithmKind(name: "key exchange", index: 0, method: 0), AlgorithmKind(name: "host key", index: 1, method: 1),
    AlgorithmKind(name: "cipher", index: 2, method: 2), AlgorithmKind(name: "cipher", index: 3, method: 3),
    AlgorithmKind(name: "MAC", index: 4, method: 4), AlgorithmKind(name: "MAC", index: 5, method: 5),
  ]

  /// A sentence that names both sides when they have nothing in common, `nil` when they have.
  static func disagreement(kind: String, offered: [String], supported: [String]) -> String? {
    guard Set(offered).isDisjoint(with: supported) else { return nil }
    let names = offered.filter { !$0.hasPrefix("kex-strict-") && !$0.hasPrefix("ext-info-") }
    return "the server offers no \(kind) algorithm that libssh2 has: it offers \(names.joined(separator: ", ")); "
      + "libssh2 has \(supported.joined(separator: ", "))"
  }
}
