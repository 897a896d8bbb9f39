import FleetProtocol
import Glibc

/// What names the machine itself, as far as this account may know it.
enum HardwareFacts {
  /// A board's own number, else a computer's; the latter is for root only on most systems.
  static var serial: String? {
    let paths = [
      "/sys/firmware/devicetree/base/serial-number", "/proc/device-tree/serial-number",
      "/sys/class/dmi/id/product_serial",
    ]
    return paths.lazy.compactMap { line(of: $0) }.compactMap(MachineIdentity.meaningful).first
  }

  /// The lowest of the addresses that the physical network interfaces were made with.
  static var mac: String? {
    guard let folder = opendir("/sys/class/net") else { return nil }
    defer { closedir(folder) }
    let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { if descriptor >= 0 { close(descriptor) } }
    var addresses: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let path = "/sys/class/net/\(name)"
      // Only what is made of hardware has a device behind it; 1 is Ethernet, and Wi-Fi too.
      guard File.exists("\(path)/device"), line(of: "\(path)/type") == "1" else { continue }
      if let address = permanentAddress(of: name, descriptor) {
        addresses.append(address)
      } else if line(of: "\(path)/addr_assign_type") == "0", let address = line(of: "\(path)/address") {
        addresses.append(address)
      }
    }
    return addresses.min()
  }

  static var identity: MachineIdentity? {
    MachineIdentity(serial: serial, mac: mac, machineID: line(of: "/etc/machine-id"))
  }

  /// ETHTOOL_GPERMADDR: what the interface was made with, whatever address it uses today.
  private static func permanentAddress(of name: String, _ descriptor: CInt) -> String? {
    let getPermanentAddress: UInt32 = 0x20
    let ethtool: UInt = 0x8946
    // A struct ethtool_perm_addr: command, size, and room for an address.
    var answer: [UInt32] = [getPermanentAddress, 32] + [UInt32](repeating: 0, count: 8)
    let status = answer.withUnsafeMutableBytes { buffer in
      // A struct ifreq: 16 bytes of name, and a pointer in a union of 24.
      var request = [UInt8](repeating: 0, count: 40)
      for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
      withUnsafeBytes(of: UInt(bitPattern: buffer.baseAddress)) { pointer in
        for (index, byte) in pointer.enumerated() { request[16 + index] = byte }
      }
      return request.withUnsafeMutableBytes { ioctl(descriptor, ethtool, $0.baseAddress!) }
    }
    guard status == 0, answer[1] == 6 else { return nil }
    let bytes = answer.withUnsafeBytes { Array($0[8..<14]) }
    guard bytes.contains(where: { $0 != 0 }) else { return nil }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// A small file's text without what surrounds it; `nil` where it cannot be read or has none.
  private static func line(of path: String) -> String? {
    guard let content = try? File.read(path, limit: 4096) else { return nil }
    let text = String(decoding: content.prefix { $0 != 0 }, as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.isEmpty ? nil : words
  }
}
