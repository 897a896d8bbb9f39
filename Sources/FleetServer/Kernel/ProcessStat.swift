/// One process as the kernel describes it in /proc/PID/stat.
struct ProcessStat: Hashable {
  var pid: Int32
  /// The program's name, at most 15 bytes, chosen by the program itself.
  var command: String
  /// `R`, `S`, `Z`...
  var state: Character
  var parent: Int32
  /// When it started, in clock ticks since boot: field 22, which tells a process from a later one of the same pid.
  var startTime: UInt64

  /// `nil` for anything but a whole line. The name may hold spaces and parentheses: it ends at the last `)`.
  init?(parsing line: some Collection<UInt8>) {
    // By bytes: a name may begin with an accent, and to Swift that is one Character with the parenthesis.
    let line = Array(line)
    guard let open = line.firstIndex(of: UInt8(ascii: "(")), let close = line.lastIndex(of: UInt8(ascii: ")")),
      open < close, let pid = Int32(String(decoding: line[..<open], as: UTF8.self).trimmingSpace)
    else { return nil }
    let fields = line[(close + 1)...].split { $0 == 0x20 || $0 == 0x0A }.map { String(decoding: $0, as: UTF8.self) }
    guard fields.count >= 20, let state = fields[0].first, let parent = Int32(fields[1]),
      let startTime = UInt64(fields[19])
    else { return nil }
    self.pid = pid
    command = String(decoding: line[(open + 1)..<close], as: UTF8.self)
    self.state = state
    self.parent = parent
    self.startTime = startTime
  }

  /// Whether it is one of OpenSSH's processes that carry a connection: `sshd`, since 9.8 `sshd-session`.
  var isSSHD: Bool { command == "sshd" || command == "sshd-session" }
}

extension String {
  fileprivate var trimmingSpace: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
