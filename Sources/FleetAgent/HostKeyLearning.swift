import FleetProtocol
import FleetSSH
import Glibc

/// Learns the keys of the device's own sshd beside the tunnel, for a HostA that has none yet.
///
/// It begins when the tunnel stands, so that its handshakes hold up nobody's dial.
final class HostKeyLearning {
  /// After how long a scan that came to nothing is tried again; it costs the line nothing.
  static let retryInterval: Duration = .seconds(30)
  private static let scanLimit: Duration = .seconds(5)

  enum Outcome: Hashable {
    case learned([PublicKey])
    case failed(String)
  }

  private let port: TCPPort
  private var scan: HostKeyScan?
  private var slot: Int?
  /// When to begin a scan, `nil` before the tunnel stood and while a scan is under way.
  private var nextScan: Monotonic?
  /// When the scan that is under way gives up.
  private var scanEnd: Monotonic?

  init(port: TCPPort) { self.port = port }

  /// The device's sshd answers, as far as one can tell: scans now, unless that is done already.
  func begin(now: Monotonic) {
    if scan == nil { nextScan = now }
  }

  /// When `turn` is due even if nothing becomes ready.
  var deadline: Monotonic? { scanEnd ?? nextScan }

  func register(in set: inout PollSet) {
    slot = scan.map { set.add($0.descriptor, $0.waitsForOutput ? POLLIN | POLLOUT : POLLIN) }
  }

  /// Goes on as far as it can without waiting. Returns what a scan came to.
  func turn(_ set: PollSet, now: Monotonic) -> Outcome? {
    if let scanEnd {
      guard set.isReady(slot, POLLIN | POLLOUT) || scanEnd <= now else { return nil }
    } else {
      guard let nextScan, nextScan <= now else { return nil }
      scan = HostKeyScan(port: port.rawValue, limit: Self.scanLimit)
      scanEnd = now + Self.scanLimit
      self.nextScan = nil
    }
    do throws(SSHError) {
      guard let blobs = try scan?.turn() else { return nil }
      scan = nil
      scanEnd = nil
      let keys = Array(HostKeyLines.keys(of: blobs).prefix(Limits.hostKeys))
      if !keys.isEmpty { return .learned(keys) }
      nextScan = now + Self.retryInterval
      return .failed("they are of unknown kinds")
    } catch {
      scan = nil
      scanEnd = nil
      nextScan = now + Self.retryInterval
      return .failed(error.text)
    }
  }
}
