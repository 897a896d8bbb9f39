import FleetProtocol

/// The key with which this laptop will be known to HostA.
struct OperatorKey {
  /// The file that ssh is given.
  let identity: String
  let key: PublicKey

  /// ssh's own names, the best first.
  private static let usual = ["id_ed25519", "id_ecdsa", "id_rsa"]

  /// The file: the one that was given, else the first of ssh's own, else where a new one will be made.
  static func file(given: String?) throws(Refusal) -> String {
    if let given { return try Login.absoluteIdentity(given) }
    let folder = try LaptopEnvironment.home() + "/.ssh"
    return usual.map { "\(folder)/\($0)" }.first(where: FileStore.exists) ?? "\(folder)/\(usual[0])"
  }

  /// Reads the public key of a file, or makes both when there is no such file. Throws `step-failed` or `key-invalid`.
  static func readOrMake(_ file: String) throws(Refusal) -> OperatorKey {
    if !FileStore.exists(file) {
      if let slash = file.lastIndex(of: "/") { try FileStore.makeFolder(String(file[..<slash])) }
      try keygen(["-q", "-t", "ed25519", "-N", "", "-f", file], "made no key")
    }
    let isPublic = file.hasSuffix(".pub")
    var text = String(decoding: try FileStore.content(of: isPublic ? file : "\(file).pub") ?? [], as: UTF8.self)
    // ssh-keygen may ask for the passphrase on the terminal.
    if text.isEmpty { text = try keygen(["-y", "-f", file], "cannot read \(DisplayText.escaped(file))") }
    return OperatorKey(identity: file, key: try PublicKey(parsing: text.prefix { !$0.isNewline }))
  }

  @discardableResult
  private static func keygen(_ arguments: [String], _ failure: String) throws(Refusal) -> String {
    let outcome = try Subprocess.run(["ssh-keygen"] + arguments)
    guard outcome.status == 0 else {
      throw Refusal(
        .stepFailed, "ssh-keygen \(failure): \(LastLine.of(outcome.errorText) ?? "no reason given")",
        hint: "give another key with --identity FILE")
    }
    return outcome.text
  }
}
