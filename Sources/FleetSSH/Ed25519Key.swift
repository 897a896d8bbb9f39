internal import CLibSSH2

/// A new ed25519 key pair from libcrypto.
public struct Ed25519Key: Sendable {
  /// The private key's 32 bytes (the seed of RFC 8032).
  public let seed: [UInt8]
  /// The public key's 32 bytes.
  public let publicKey: [UInt8]

  /// Throws `failure` when libcrypto has no randomness or no ed25519.
  public init() throws(SSHError) {
    let failed = SSHError.failure(LIBSSH2_ERROR_RANDGEN, "libcrypto cannot make an ed25519 key")
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil) else { throw failed }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_keygen(context, &key) == 1, let key else { throw failed }
    defer { EVP_PKEY_free(key) }
    var seed = [UInt8](repeating: 0, count: 32)
    var publicKey = [UInt8](repeating: 0, count: 32)
    var seedLength = 32
    var publicLength = 32
    guard EVP_PKEY_get_raw_private_key(key, &seed, &seedLength) == 1,
      EVP_PKEY_get_raw_public_key(key, &publicKey, &publicLength) == 1, seedLength == 32, publicLength == 32
    else { throw failed }
    self.seed = seed
    self.publicKey = publicKey
  }
}
