import FleetProtocol

/// What a dynamic inventory script tells Ansible.
enum AnsibleInventory {
  /// What the ssh arguments of every device are made of.
  struct Way: Hashable {
    /// The path of `fleet` itself.
    var program: String
    var host: ConfiguredHost
  }

  /// The answer to `--list`.
  static func list(_ devices: [DeviceStatus], groups: AnsibleGroups, way: Way) -> String {
    let hostvars = devices.sorted { $0.name < $1.name }.map { device in
      (name: device.name.rawValue, value: JSON.object(variables(device, way: way)))
    }
    let members = groups.members.sorted { $0.key < $1.key }
    let names = ["ungrouped"] + members.map(\.key).filter { $0 != "ungrouped" }
    let object: [(name: String, value: JSON)] = [
      ("_meta", .object(["hostvars": .object(JSONObject(distinct: hostvars))])),
      ("all", .object(["children": JSON(names)])),
    ]
    let groups = members.map { (name: $0.key, value: JSON.object(["hosts": JSON($0.value.map(\.rawValue))])) }
    return JSON.object(JSONObject(distinct: object + groups)).text + "\n"
  }

  /// The answer to `--host NAME`.
  static func host(_ device: DeviceStatus, way: Way) -> String {
    JSON.object(variables(device, way: way)).text + "\n"
  }

  /// Only what HostA or an operator says: what comes from the device itself has no place in a template.
  static func variables(_ device: DeviceStatus, way: Way) -> JSONObject {
    [
      "ansible_host": .string(device.name.rawValue), "ansible_user": .string(device.user.rawValue),
      "ansible_ssh_common_args": text(sshArguments(device.name, way: way)),
      // Set to no, it would put StrictHostKeyChecking=no before the arguments.
      "ansible_host_key_checking": .bool(true),
      "fleet_id": .string(device.id.rawValue), "fleet_state": .string(device.state.rawValue),
      "fleet_last_seen": JSON(device.lastSeen?.description),
      "fleet_tags": .object(
        device.tags.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = text($1.value) }),
    ]
  }

  /// As Ansible splits it: words, quoted as for a shell. What is trusted is what `fleet known-hosts` says, which also
  /// tells of a changed host key; the HostA is named, so that the default may become another.
  private static func sshArguments(_ device: DeviceName, way: Way) -> String {
    let name = "\(device).\(way.host.name).fleet"
    let options = [
      "ProxyCommand=\(SSHOptionValue.proxyCommandWord(way.program)) proxy \(name)", "ProxyUseFdpass=no",
      "HostKeyAlias=\(device)",
      "KnownHostsCommand=\(SSHOptionValue.path(way.program)) known-hosts \(name) %I %t %K %H",
      "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "VerifyHostKeyDNS=no",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no",
    ]
    return options.map { "-o \(ShellWord.quoted($0))" }.joined(separator: " ")
  }

  /// A text that Ansible takes as it is, also where it looks like a template.
  private static func text(_ text: String) -> JSON {
    // By bytes: a brace with an accent on it is a brace to Ansible.
    let isTemplate = zip(text.utf8, text.utf8.dropFirst()).contains { $0 == 0x7B && "{%#".utf8.contains($1) }
    return isTemplate ? .object(["__ansible_unsafe": .string(text)]) : .string(text)
  }
}
