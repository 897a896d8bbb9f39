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
    case .ssh: "laptop's ssh"
    case .configuration: "laptop's configuration"
    case .key: "your key"
    case .folder: "fleet's folder"
    case .hostName: "HostA's name"
    case .hostPort: "HostA's port"
    case .hostSSHD: "HostA's sshd"
    case .hostKey: "HostA's host key"
    case .hostLogin: "HostA's login"
    case .clock: "HostA's clock"
    case .fleet: "the fleet"
    case .record: "HostA's record"
    case .tunnel: "HostA's listener"
    case .deviceSSHD: "device's sshd"
    case .deviceKey: "device's host key"
    case .deviceLogin: "device's login"
    }
  }

  /// The steps of a walk to a device, or to HostA alone.
  static func walk(toDevice: Bool) -> [DoctorStep] {
    let beyond: [DoctorStep] = [.record, .tunnel, .deviceSSHD, .deviceKey, .deviceLogin]
    return allCases.filter { step in toDevice ? step != .fleet : !beyond.contains(step) }
  }
}
