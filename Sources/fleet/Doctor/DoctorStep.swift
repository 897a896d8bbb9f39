/// What `fleet doctor` looks at, in the order of the way from the laptop to a shell on the device.
enum DoctorStep: String, CaseIterable {
  case ssh
  case configuration
  case key
  case folder
  case hostName = "host-name"
  case hostPort = "host-port"
  case hostSSHD = "host-sshd"
  case hostKey = "host-key"
  case hostLogin = "host-login"
  case clock
  case fleet
  case record
  case tunnel
  case deviceSSHD = "device-sshd"
  case deviceKey = "device-key"
  case deviceLogin = "device-login"

  /// In the words that a person sees.
  var title: String {
    switch self {
    case .ssh: "laptop: ssh"
    case .configuration: "laptop: configuration"
    case .key: "laptop: your key"
    case .folder: "laptop: fleet's folder"
    case .hostName: "HostA: name"
    case .hostPort: "HostA: port"
    case .hostSSHD: "HostA: sshd"
    case .hostKey: "HostA: host key"
    case .hostLogin: "HostA: login"
    case .clock: "HostA: clock"
    case .fleet: "HostA: the fleet"
    case .record: "HostA: what it knows"
    case .tunnel: "HostA: listener"
    case .deviceSSHD: "device: sshd"
    case .deviceKey: "device: host key"
    case .deviceLogin: "device: login"
    }
  }

  /// The steps of a walk to a device, or to HostA alone.
  static func walk(toDevice: Bool) -> [DoctorStep] {
    let beyond: [DoctorStep] = [.record, .tunnel, .deviceSSHD, .deviceKey, .deviceLogin]
    return allCases.filter { step in toDevice ? step != .fleet : !beyond.contains(step) }
  }
}
