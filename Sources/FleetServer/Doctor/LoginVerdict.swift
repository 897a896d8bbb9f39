import FleetProtocol

/// Whether sshd lets in by our key lines, and runs what they say.
enum LoginVerdict {
  /// - Parameter keyFile: the file that fleet-server writes.
  /// - Parameter accountFolder: the account's home, in which sshd looks for what is no absolute path.
  static func findings(
    _ policy: SSHDPolicy, keyFile: String, accountFolder: String, place: SSHDConfigurationPlace
  ) -> [HostFinding] {
    [
      forceCommand(policy, place), authentication(policy, place),
      authorizedKeysFile(policy, keyFile: keyFile, accountFolder: accountFolder, place),
    ]
  }

  private static func forceCommand(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    let value = policy.value("forcecommand") ?? "none"
    guard value != "none" else { return .fine(.forceCommand, "ForceCommand none") }
    return HostFinding(
      .serious, .forceCommand, "ForceCommand \(DisplayText.escaped(value, limit: 80))",
      consequence: "sshd runs this in the place of every claim and every request", mend: place.mend("ForceCommand none")
    )
  }

  private static func authentication(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    guard policy.value("pubkeyauthentication") != "no" else {
      return HostFinding(
        .serious, .authentication, "PubkeyAuthentication no", consequence: "no device and no operator can log in",
        mend: place.mend("PubkeyAuthentication yes"))
    }
    let methods = policy.words("authenticationmethods") ?? ["any"]
    let shown = "AuthenticationMethods \(DisplayText.escaped(methods.joined(separator: " "), limit: 80))"
    guard methods.contains("any") || methods.contains("publickey") else {
      return HostFinding(
        .serious, .authentication, shown, consequence: "a device has nothing but its key, and sshd asks for more",
        mend: place.mend("AuthenticationMethods publickey"))
    }
    return .fine(.authentication, shown)
  }

  private static func authorizedKeysFile(
    _ policy: SSHDPolicy, keyFile: String, accountFolder: String, _ place: SSHDConfigurationPlace
  ) -> HostFinding {
    let words = policy.words("authorizedkeysfile") ?? []
    let shown = "AuthorizedKeysFile \(DisplayText.escaped(words.joined(separator: " "), limit: 120))"
    let read = words.map { word in
      let path = word.replacing("%h", with: accountFolder).replacing("%u", with: place.account.rawValue)
      return path.hasPrefix("/") ? path : "\(accountFolder)/\(path)"
    }
    guard read.contains(keyFile) else {
      return HostFinding(
        .serious, .authorizedKeysFile, shown,
        consequence: "sshd does not read \(keyFile), so no device and no operator can log in",
        mend: place.mend("AuthorizedKeysFile \(keyFile)"))
    }
    return .fine(.authorizedKeysFile, shown)
  }
}
