/// The wire form of a public key (RFC 4253 section 6.6): its algorithm's name, then the key.
public enum SSHKeyBlob {
  /// The name at the head of the blob, `nil` for what is no blob.
  public static func algorithm(of blob: [UInt8]) -> String? {
    guard blob.count > 4 else { return nil }
    let length = blob[0..<4].reduce(0) { $0 << 8 | Int($1) }
    guard length > 0, length <= blob.count - 4 else { return nil }
    return String(validating: blob[4..<(4 + length)], as: UTF8.self)
  }
}
