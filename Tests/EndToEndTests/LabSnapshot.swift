import Foundation
import GRDB
import Testing

/// HostA at one moment, to compare it with another.
extension Lab {
  /// All that a refused request could have changed: what is recorded, the connections, every file of the account and every
  /// port that its processes listen on.
  func whatStands() throws -> String {
    let sessions = serverHome.appending(path: "sessions")
    let files = FileManager.default
    // By these requests that are asked too often wait, and keys that a device names are counted, those refused too.
    func isRecord(_ name: String) -> Bool { !name.hasSuffix(".gate") && !name.hasSuffix(".named-keys") }
    let records = try files.contentsOfDirectory(atPath: sessions.path).sorted().filter(isRecord).map {
      "\($0): \(try String(contentsOf: sessions.appending(path: $0), encoding: .utf8))"
    }
    // SQLite's own come and go.
    let names = try files.subpathsOfDirectory(atPath: hostA.home.path).filter {
      !$0.contains("registry.db-") && isRecord($0)
    }
    .sorted()
    return ([try whatIsRecorded()] + records + names + (try listeners())).joined(separator: "\n")
  }

  /// Compares, and says which lines are others.
  func expectStanding(_ before: String) throws {
    let lines = try whatStands().split(separator: "\n")
    let changes = lines.difference(from: before.split(separator: "\n"))
    #expect(changes.isEmpty, "\(changes.map { $0 })")
  }

  /// All that is recorded of the fleet: the registry, but for when devices were last seen, and the key file.
  func whatIsRecorded() throws -> String {
    let tables = [
      "leases", "tags", "host_keys", "operators", "enroll_keys", "pending", "rejected", "queue", "quarantine", "audit",
      "(SELECT id, name, key, next_key, user, replaces_key, expires_s FROM devices)",
    ]
    let rows = try tables.map { try registryRows("SELECT * FROM \($0)").map(\.description) }
    let own = serverHome.appending(path: "authorized_keys")
    let keys =
      FileManager.default.fileExists(atPath: own.path) ? try String(contentsOf: own, encoding: .utf8) : try keyFile()
    return "\(rows)\n\(keys)"
  }

  /// Where HostA's processes listen, as the kernel writes it. Without an account of its own, on the lab's ports.
  private func listeners() throws -> [String] {
    try ["tcp", "tcp6"].flatMap { table in
      try String(contentsOfFile: "/proc/net/\(table)", encoding: .utf8).split(separator: "\n").dropFirst().compactMap {
        let fields = $0.split(separator: " ")
        guard fields[3] == "0A", let port = Int(fields[1].suffix(4), radix: 16) else { return nil }
        let isOurs = hostA.uid.map { fields[7] == "\($0)" } ?? (ports.hostA...ports.leases.upperBound).contains(port)
        return isOurs ? "\(table) \(fields[1])" : nil
      }
    }.sorted()
  }
}
