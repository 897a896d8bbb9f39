import CLinux
import FleetProtocol
import Glibc

/// Where those of a device's or an enroll key's requests wait that are answered one after the other.
enum RequestGate {
  /// Returns when it is this request's turn, or after `RequestPace.patience`.
  static func waitForTurn(_ home: Home, of caller: String) {
    let end = ContinuousClock.now + RequestPace.patience
    let gate = open(home.gate(of: caller), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    defer { if gate >= 0 { close(gate) } }
    // Where there can be no such file, each waits by itself.
    while gate >= 0, clinux_try_lock(gate) != 0, ContinuousClock.now < end { usleep(50_000) }
    usleep(UInt32(RequestPace.turn_ms) * 1000)
  }

  /// How long ago the file was written, `nil` where there is none.
  static func age_ms(ofFile path: String) -> Int64? {
    var file = stat()
    guard stat(path, &file) == 0 else { return nil }
    var now = timespec()
    // The clock of files, which is a little behind the exact one.
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    return Int64(now.tv_sec - file.st_mtim.tv_sec) * 1000 + Int64(now.tv_nsec - file.st_mtim.tv_nsec) / 1_000_000
  }
}
