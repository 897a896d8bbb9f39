import FleetProtocol

/// Who could replace fleet-server's folder: the check that sshd's StrictModes would make.
struct FolderTrust: Hashable {
  var path: String
  var owner: UInt32
  /// The permission bits, the sticky bit among them.
  var mode: UInt32

  /// What is wrong with a folder above fleet-server's, or with that folder itself (`isHome`); `nil` when nobody but
  /// root and the account can put another folder in its place.
  func objection(account: UInt32, isHome: Bool) -> Refusal? {
    let shown = DisplayText.escaped(path, limit: 200)
    if isHome {
      guard owner == account else {
        return Refusal(.homeUnusable, "\(shown) belongs to another account", hint: "give another --home DIR")
      }
      guard mode & 0o077 == 0 else {
        return Refusal(.homeUnusable, "\(shown) is open to other accounts", hint: "chmod 700 \(shown)")
      }
      return nil
    }
    guard owner == 0 || owner == account else {
      return Refusal(
        .homeUnusable, "\(shown), above fleet-server's folder, belongs to another account",
        hint: "give a --home DIR whose parent folders belong to root or to this account")
    }
    guard mode & 0o022 == 0 || mode & 0o1000 != 0 else {
      return Refusal(
        .homeUnusable, "\(shown), above fleet-server's folder, can be written by other accounts",
        hint: "chmod go-w \(shown)")
    }
    return nil
  }
}
