import FleetSSH

/// Shows keys to HostA, one after the other on the same connection, until one is accepted.
struct KeyOffer {
  private var keys: ArraySlice<DeviceKey>

  /// At least one.
  init(_ keys: [DeviceKey]) { self.keys = keys[...] }

  /// Which key was accepted. Throws `authentication` when none of them is.
  mutating func advance(on session: SSHSession, account: String) throws(SSHError) -> SSHProgress<DeviceKey.Role> {
    while true {
      do throws(SSHError) {
        let key = keys[keys.startIndex]
        guard case .ready = try session.authenticate(account: account, privateKey: key.text) else { return .wouldBlock }
        return .ready(key.role)
      } catch {
        guard case .authentication = error, keys.count > 1 else { throw error }
        keys.removeFirst()
      }
    }
  }
}
