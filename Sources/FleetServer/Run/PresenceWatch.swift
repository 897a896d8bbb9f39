import FleetProtocol

/// Looks at all devices now and then, and writes to the registry who came and who went.
struct PresenceWatch {
  let home: Home
  private var history: PresenceHistory?
  private var lastTrouble: String?

  init(home: Home) { self.home = home }

  /// A registry that cannot be read or written is logged once, and what changed is written when it can be again.
  mutating func sample() {
    do throws(Refusal) {
      let registry = try Registry.open(home)
      let snapshot = HostSnapshot.take(home)
      let devices = HostKeyAdoption.adopt(for: try registry.devices(), from: snapshot, into: registry)
      if history == nil { history = PresenceHistory(online: try registry.devicesRecordedOnline()) }
      let sample = devices.map { device in
        (device: device.id, presence: snapshot.presence(of: device, session: snapshot.session(of: device.id)))
      }
      if let (next, transitions) = history?.after(sample, now_s: snapshot.now_s) {
        if !transitions.isEmpty { try registry.record(transitions) }
        history = next
      }
      lastTrouble = nil
    } catch {
      trouble(error)
    }
  }

  /// Records all devices as gone, because their tunnels end with this program.
  mutating func end() {
    guard let endings = history?.endings, !endings.isEmpty else { return }
    do throws(Refusal) { try Registry.open(home).record(endings) } catch { trouble(error) }
  }

  private mutating func trouble(_ refusal: Refusal) {
    guard lastTrouble != refusal.message else { return }
    lastTrouble = refusal.message
    StandardError.write(refusal)
  }
}
