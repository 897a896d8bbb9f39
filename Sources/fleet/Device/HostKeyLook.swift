import FleetProtocol

/// Looks which host keys a device shows now, through HostA, without trusting any of them.
enum HostKeyLook {
  /// What stands before the key in the line that `fleet known-hosts --show` writes.
  static let mark = "fleet-host-key "

  /// A server shows one key a connection, of the kind that it is asked for.
  private static let kinds = [
    ["ssh-ed25519"], ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
    ["rsa-sha2-512", "rsa-sha2-256"],
  ]

  /// Never empty. `first` is a connection that stands already. Throws what HostA refuses, or `io-failed`.
  static func keys(of device: DeviceName, first: DeviceConnection, context: LaptopContext) throws(Refusal)
    -> [ShownHostKey]
  {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    var keys: [ShownHostKey] = []
    var connection: DeviceConnection? = first
    var complaint: String?
    for kind in Self.kinds {
      let open: DeviceConnection
      if let connection {
        open = connection
      } else {
        open = try DeviceConnection.dial(device, host: context.host, paths: context.paths)
      }
      connection = nil
      let socket = try DescriptorHandover.offer(open.socket, program: program)
      let outcome = try Subprocess.run(
        DeviceSSHArguments.look(device, algorithms: kind, program: program, socket: socket))
      let shown = self.keys(in: outcome.errorText)
      if shown.isEmpty { complaint = LastLine.of(outcome.errorText) }
      keys += shown
    }
    guard !keys.isEmpty else {
      throw Refusal(.ioFailed, "\(device) does not show a host key" + (complaint.map { ": \($0)" } ?? ""))
    }
    return keys
  }

  /// The keys among what ssh and `fleet known-hosts --show` wrote.
  static func keys(in text: String) -> [ShownHostKey] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(separator: " ")
      guard line.hasPrefix(mark), words.count == 3 else { return nil }
      return ShownHostKey(type: String(words[1]), base64: String(words[2]))
    }
  }
}
