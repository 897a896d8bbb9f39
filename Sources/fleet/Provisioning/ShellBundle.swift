import FleetProtocol

/// The content of a bundle for a box without our binary: a POSIX shell script around the ssh that is there.
struct ShellBundle {
  let settings: ShellSettings
  /// The text of the device's private key as ssh-keygen wrote it.
  let key: [UInt8]
  let files: DeviceFiles

  /// What of `provisioning/device/shell-agent` goes to the box.
  static let programFiles = [
    "fleet-shell-agent.sh", "install.sh", "fleet-shell-agent.service", "fleet-shell-agent-user.service",
    "fleet-shell-agent.init", "README",
  ]

  /// Every file by its name. Throws `tool-missing`, or `step-failed` for a key that is none.
  func content() throws(Refusal) -> [String: [UInt8]] {
    guard let dropbearKey = DropbearKey.bytes(fromOpenSSH: String(decoding: key, as: UTF8.self)) else {
      throw Refusal(.stepFailed, "ssh-keygen made a key of a form that is not understood")
    }
    var content = [
      "settings": Array(settings.text.utf8), "known_hosts": Array(settings.knownHosts.utf8),
      "id_ed25519": key, "id_dropbear": dropbearKey,
    ]
    for name in Self.programFiles { content[name] = try files.content(of: "shell-agent/\(name)") }
    return content
  }
}
