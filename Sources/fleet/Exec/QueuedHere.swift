import FleetProtocol

/// Which commands this laptop has queued itself, as it keeps that: a line for each, with the command's hash.
///
/// HostA is believed that a device is there, not what is to be run on it: it could make that up.
struct QueuedHere: Hashable {
  private let lines: Set<String>

  init(parsing text: some Collection<UInt8>) {
    lines = Set(text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) })
  }

  func contains(_ entry: QueuedCommand) -> Bool { lines.contains(Self.line(entry.id, entry.command)) }

  /// Without a newline.
  static func line(_ id: QueueID, _ command: String) -> String {
    "\(id) \(Base64.encode(SHA256.digest(Array(command.utf8))))"
  }
}
