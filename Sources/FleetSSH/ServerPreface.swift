/// What an SSH server says in clear text before keys are exchanged: its banner and its KEXINIT (RFC 4253, 4.2 and 7.1).
///
/// libssh2 only says that no algorithm is common; the names stand here.
struct ServerPreface {
  private var bytes: [UInt8] = []
  /// Where the line begins that has no end yet, and up to where an end was looked for.
  private var line = (start: 0, searched: 0)
  /// Where the first packet begins: behind the banner, once that has come.
  private var packet: Int?
  private var isComplete = false
  /// The server's lists, in the order of RFC 4253 section 7.1; empty until its KEXINIT has come.
  private(set) var algorithms: [[String]] = []

  /// More of it, in pieces of any length: libssh2 takes a banner byte by byte, and none is looked at twice.
  mutating func append(_ more: UnsafeRawBufferPointer) {
    guard !isComplete else { return }
    bytes.append(contentsOf: more.prefix(Self.longest + 1 - bytes.count))
    findBanner()
    if let packet, bytes.count >= packet + 4 {
      let length = bytes[packet..<(packet + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard bytes.count < packet + 4 + length, bytes.count <= Self.longest else {
        algorithms = Self.lists(inPacket: bytes[(packet + 4)...].prefix(length)) ?? []
        if !algorithms.isEmpty { bytes = [] }
        isComplete = true
        return
      }
    }
    isComplete = bytes.count > Self.longest
  }

  private static let longest = 1 << 16

  private mutating func findBanner() {
    while packet == nil, let end = bytes[line.searched...].firstIndex(of: 0x0A) {
      if bytes[line.start..<end].starts(with: "SSH-".utf8) { packet = end + 1 }
      line = (end + 1, end + 1)
    }
    line.searched = bytes.count
  }

  /// More has come than any server says before it begins to speak SSH, and it has not begun.
  var isEndless: Bool { isComplete && packet == nil }

  /// The first line that is not an SSH banner, such as `Not allowed at this time`; `nil` when SSH was spoken.
  var foreignLine: String? {
    guard algorithms.isEmpty, !bytes.isEmpty else { return nil }
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    return line.starts(with: Array("SSH-".utf8)) ? nil : String(decoding: line.prefix(200), as: UTF8.self)
  }

  /// The ten name lists of a KEXINIT, `nil` for any other packet.
  private static func lists(inPacket packet: ArraySlice<UInt8>) -> [[String]]? {
    // Padding length, message number 20, a cookie of 16 bytes, then the lists.
    guard packet.count > 18, packet[packet.startIndex + 1] == 20 else { return nil }
    var rest = packet.dropFirst(2 + 16)
    var lists: [[String]] = []
    while lists.count < 10 {
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 4, length <= rest.count - 4 else { return nil }
      let text = String(decoding: rest.dropFirst(4).prefix(length), as: UTF8.self)
      lists.append(text.split(separator: ",").map(String.init))
      rest = rest.dropFirst(4 + length)
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
