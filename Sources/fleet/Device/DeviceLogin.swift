import FleetProtocol

/// `[USER@]NAME` on a command line.
struct DeviceLogin: Hashable {
  /// `nil` for the account that was given to `fleet provision`.
  let user: String?
  let device: DeviceName

  /// Throws `name-invalid`. Like ssh's, the user's name may be of any form that cannot be taken for an option.
  init(parsing text: some StringProtocol, usage: String) throws(Refusal) {
    try Self.refuseURI(text, usage: usage)
    guard let at = text.lastIndex(of: "@") else {
      user = nil
      device = try DeviceName(validating: text)
      return
    }
    let user = String(text[..<at])
    guard !user.isEmpty, !user.hasPrefix("-"), DisplayText.escaped(user) == user else {
      throw Refusal(.nameInvalid, "'\(DisplayText.escaped(user, limit: 40))' is not a login name", hint: usage)
    }
    self.user = user
    device = try DeviceName(validating: text[text.index(after: at)...])
  }

  /// Throws `name-invalid` for `ssh://...` and its like, which OpenSSH's programs take besides names.
  static func refuseURI(_ text: some StringProtocol, usage: String) throws(Refusal) {
    let schemes = ["ssh", "scp", "sftp", "rsync"]
    guard let scheme = schemes.first(where: { text.lowercased().hasPrefix("\($0)://") }) else { return }
    throw Refusal(.nameInvalid, "a device is called by its name, not by \(scheme)://", hint: usage)
  }

  /// As a person writes it.
  var text: String { (user.map { "\($0)@" } ?? "") + device.rawValue }
}
