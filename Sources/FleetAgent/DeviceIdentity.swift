import FleetProtocol

/// What a connection needs to know: whom to expect at HostA, who we are, and what to say of ourselves.
struct DeviceIdentity: Sendable {
  let account: String
  /// The blobs of the host keys that HostA may show.
  let pins: [[UInt8]]
  /// The keys to show, the first one first.
  var keys: [DeviceKey]
  let sshdPort: TCPPort
  var claim: ClaimBody

  init(_ configuration: AgentConfiguration, keys: [DeviceKey], claim: ClaimBody) {
    account = configuration.host.account.rawValue
    pins = configuration.host.hostKeys.compactMap { Base64.decode($0.base64) }
    self.keys = keys
    sshdPort = configuration.sshdPort
    self.claim = claim
  }
}
