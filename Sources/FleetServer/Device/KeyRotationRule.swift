import FleetProtocol

/// What a device's request to replace its key means, from what HostA knows.
enum KeyRotationRule {
  enum Step: Hashable {
    /// Let the key in beside the present one.
    case admit
    /// It is let in already.
    case stay
    /// Make it the device's only key.
    case promote
    /// It is that already.
    case done
    /// The connection's own key is not the device's, and speaks for no other.
    case refuse
  }

  /// `standing` is that of the key by which the device asks, `asked` the key that it names. A key that is let in is
  /// promoted only by a connection that it opened itself: so a device whose disk lost it still has the old one.
  static func step(
    standing: DeviceKeyStanding, asked: PublicKey, current: PublicKey, next: PublicKey?
  ) -> Step {
    if asked == current { return .done }
    switch standing {
    case .next: return asked == next ? .promote : .refuse
    case .current, .replace: return asked == next ? .stay : .admit
    }
  }
}
