/// For which machine a Linux program was built, read from the head of its ELF file.
enum ELFMachine {
  /// As `uname -m` calls it, `nil` for a file that is no such program.
  static func name(inHead head: some Collection<UInt8>) -> String? {
    let head = Array(head.prefix(20))
    guard head.count == 20, head.starts(with: [0x7F, 0x45, 0x4C, 0x46]), head[5] == 1 else { return nil }
    switch UInt16(head[18]) | UInt16(head[19]) << 8 {
    case 3: return "i686"
    case 40: return "armv7l"
    case 62: return "x86_64"
    case 183: return "aarch64"
    case 243: return "riscv64"
    default: return nil
    }
  }

  /// Whether a program for `built` runs on a box that calls itself `machine`.
  static func runs(_ built: String, on machine: String) -> Bool {
    if built == machine { return true }
    switch built {
    case "i686": return ["i386", "i486", "i586"].contains(machine)
    case "armv7l": return machine == "armv8l"
    case "aarch64": return machine == "arm64"
    default: return false
    }
  }
}
