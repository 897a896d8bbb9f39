/// What tells this machine from one that a copy of its disk was put into.
struct MachineIdentity: Hashable, Sendable {
  /// The text of the file `machine`, which stands beside the key that was made on this machine.
  let text: String

  /// The serial number, else the address of a network interface, else what the system calls itself; `nil` when nothing is
  /// known, and machines cannot be told apart.
  init?(serial: String?, mac: String?, machineID: String?) {
    if let serial = serial.flatMap(Self.meaningful) {
      text = "serial \(serial)\n"
    } else if let mac {
      text = "mac \(mac)\n"
    } else if let machineID {
      text = "machine-id \(machineID)\n"
    } else {
      return nil
    }
  }

  /// What makers write who number nothing: thousands of boxes have it in common.
  private static let placeholders: Set<String> = [
    "to be filled by o.e.m.", "default string", "system serial number", "chassis serial number", "not specified",
    "not applicable", "not available", "none", "n/a", "unknown", "invalid", "empty", "o.e.m.", "0123456789",
    "1234567890", "123456789",
  ]

  /// The serial number, if it is one.
  static func meaningful(_ serial: String) -> String? {
    let printable = serial.unicodeScalars.filter { $0.isASCII && $0.value > 0x20 && $0.value < 0x7F }
    let words = serial.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
    guard words.utf8.count >= 4, !placeholders.contains(words.lowercased()), Set(printable).count > 1 else {
      return nil
    }
    return words
  }
}
