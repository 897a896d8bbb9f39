import FleetProtocol

/// What a box is provisioned as: a device of its own, or the new hardware of one that is there.
enum LeaseRequest: String {
  case provision
  case replace

  /// The device whose hardware is replaced. HostA refuses a name that is not there before anything is made or touched.
  func present(_ device: DeviceName, _ hostA: HostRequest) throws(Refusal) -> DeviceStatus? {
    switch self {
    case .provision: nil
    case .replace: try hostA.show(device).device
    }
  }

  func ask(_ hostA: HostRequest, _ device: DeviceName, _ body: ProvisionBody) throws(Refusal) -> ProvisionReply {
    switch self {
    case .provision: try hostA.provision(device, body)
    case .replace: try hostA.replace(device, body)
    }
  }

  /// What is shown of the lease behind its port.
  func remark(_ lease: ProvisionReply) -> String {
    switch self {
    case _ where !lease.created: ", as before"
    case .provision: ""
    case .replace: ", as before; the old box's key is refused from now on"
    }
  }
}
