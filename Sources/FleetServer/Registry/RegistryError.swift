import FleetProtocol
import GRDB

/// What an error of SQLite means to a person.
enum RegistryError {
  static func refusal(_ error: any Error) -> Refusal {
    switch error {
    case let refusal as Refusal: refusal
    case let error as DatabaseError: refusal(error.resultCode, sentence: error.message ?? "")
    default:
      Refusal(.registryUnavailable, "the registry cannot be used: \(DisplayText.escaped("\(error)", limit: 200))")
    }
  }

  private static func refusal(_ code: ResultCode, sentence: String) -> Refusal {
    switch code {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      Refusal(
        .registryBusy, "another process keeps the registry locked",
        hint: "try again; on HostA, 'fuser registry.db' names who holds it")
    case .SQLITE_FULL:
      Refusal(.registryUnavailable, "HostA's disk is full", hint: "on HostA, free some space and try again")
    case .SQLITE_READONLY, .SQLITE_PERM:
      Refusal(
        .registryUnavailable, "the registry cannot be written",
        hint: "on HostA, fleet-server's folder and registry.db must be writable by its account")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      Refusal(
        .registryDamaged, "the registry is damaged",
        hint: "tunnels go on; on HostA, bring it back with 'fleet-server restore FILE'")
    case .SQLITE_IOERR, .SQLITE_CANTOPEN:
      Refusal(
        .registryUnavailable, "the registry cannot be used: \(DisplayText.escaped(sentence, limit: 200))",
        hint: "on HostA, see whether the disk of fleet-server's folder is full, read-only or broken")
    default:
      Refusal(
        .registryUnavailable, "the registry cannot be used: \(DisplayText.escaped(sentence, limit: 200))",
        hint: "on HostA, look at registry.db in fleet-server's folder")
    }
  }
}
