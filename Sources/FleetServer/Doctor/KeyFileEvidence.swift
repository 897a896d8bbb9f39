import FleetProtocol

/// What doctor knows of the key file.
struct KeyFileEvidence {
  /// What the registry says of who may come in.
  struct Wanted {
    var devices: [KeyFileText.Device]
    var names: [DeviceID: DeviceName]
    var operators: [KeyFileText.Operator]
    var enrollKeys: [KeyFileText.EnrollKey]
    /// All that there are: the line of one that is over stays until the file is written the next time.
    var knownEnrollKeys: Set<String>
  }

  /// One line with its number, counted from 1.
  struct Line {
    var number: Int
    var text: String
    /// `nil` for a line from which sshd takes no key.
    var key: AuthorizedKey?

    /// Empty, or a comment.
    var isBlank: Bool { text.first { $0 != " " && $0 != "\t" }.map { $0 == "#" } ?? true }
  }

  var path: String
  /// The lines that are fleet-server's.
  var own: [Line]
  /// The account's own lines around them.
  var others: [Line]
  var wanted: Wanted?
  /// The home that the lines must name, where they must.
  var namedHome: String?
  /// The program that is running now.
  var ownProgram: String
  /// The command that writes the file anew.
  var rewrite: HostFinding.Mend

  /// Throws `home-unusable` where the markers of our block are damaged.
  static func lines(of file: [UInt8], mode: HostSettings.SSHDMode) throws(Refusal) -> (own: [Line], others: [Line]) {
    // A file of our own is ours to its end, the empty line behind the last newline included.
    var block = 0..<(file.count + 1)
    if mode == .system { block = try ManagedBlock.range(in: file) ?? 0..<0 }
    var own: [Line] = []
    var others: [Line] = []
    var start = 0
    for (offset, bytes) in file.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let text = String(decoding: bytes, as: UTF8.self)
      let line = Line(number: offset + 1, text: text, key: AuthorizedKey(parsing: text))
      if block.contains(start) { own.append(line) } else { others.append(line) }
      start += bytes.count + 1
    }
    return (own, others)
  }

  /// The program that most of our lines start; those of another are told apart from lines that are wrong.
  var program: String? {
    var counts: [String: Int] = [:]
    for line in own { if let words = line.key?.fleetServerCommand { counts[String(words[0]), default: 0] += 1 } }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  /// Leased ports, by what the lines say.
  var ports: [TCPPort: String] {
    var ports: [TCPPort: String] = [:]
    for line in own {
      if let words = line.key?.fleetServerCommand, words.count >= 4, words[1] == "device",
        let port = TCPPort(parsing: words[3])
      {
        ports[port] = "the device \(DisplayText.escaped(words[2], limit: 40))"
      }
    }
    return ports
  }
}
