import FleetProtocol

/// Well-formed ed25519 public keys; nobody has their private halves.
func sampleKey(_ number: Int) throws -> PublicKey {
  let name = Array("ssh-ed25519".utf8)
  let body = (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4)) &+ $0) }
  let blob = [0, 0, 0, UInt8(name.count)] + name + [0, 0, 0, 32] + body
  return try PublicKey(parsing: "ssh-ed25519 \(Base64.encode(blob))")
}

func sampleBody(_ number: Int, fromFirstClaim: Bool = false) throws -> ProvisionBody {
  ProvisionBody(
    key: try sampleKey(number), user: try LoginName(validating: "pi"), tags: [:], hostKeysFromFirstClaim: fromFirstClaim
  )
}
