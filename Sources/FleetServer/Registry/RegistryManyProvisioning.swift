import FleetProtocol
import GRDB

extension Registry {
  /// Provisions one device after the other in one transaction. A device that is refused leaves nothing, and the others
  /// stand; an error of the registry itself leaves nothing of any.
  func provisionMany(
    _ rows: [Result<NamedProvisionBody, Refusal>], range: PortRange, portsInUse: Set<TCPPort>, by actor: AuditActor,
    now_s: Int64, newID: () -> DeviceID
  ) throws(Refusal) -> [Result<Lease, Refusal>] {
    try write { db in
      var ports = try Self.freePorts(range, inUse: portsInUse, now_s: now_s, db)
      return try rows.map { parsed in
        let row: NamedProvisionBody
        switch parsed {
        case .failure(let refusal): return .failure(refusal)
        case .success(let body): row = body
        }
        let before = ports
        do {
          var lease: Lease?
          try db.inSavepoint {
            lease = try Self.provision(
              row.name, body: row.body, id: newID(), ports: &ports, by: actor, now_s: now_s, db)
            return .commit
          }
          guard let lease else { throw Refusal(.registryUnavailable, "the registry gave no answer") }
          return .success(lease)
        } catch let refusal as Refusal where Self.concernsOneDevice(refusal) {
          ports = before
          return .failure(refusal)
        }
      }
    }
  }

  private static func concernsOneDevice(_ refusal: Refusal) -> Bool {
    switch refusal.code {
    case .nameTaken, .keyTaken, .rangeExhausted, .denied: true
    default: false
    }
  }
}
