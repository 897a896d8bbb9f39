import FleetProtocol
import Glibc

/// What the program says to the person or the log that watches it.
enum StandardError {
  static func write(_ message: String) {
    let line = Array("fleet-server: \(message)\n".utf8)
    _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
  }

  /// The sentence, and on the next line what can be done.
  static func write(_ refusal: Refusal) { write(refusal.message + (refusal.hint.map { "\n  \($0)" } ?? "")) }
}
