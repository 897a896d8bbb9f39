/// The private keys that ssh would try, as `ssh -G` prints them.
enum IdentityFiles {
  /// Their paths; one with a token that only a connection can fill is passed over.
  static func inResolved(_ text: String, home: String) -> [String] {
    let keyword = "identityfile "
    return text.split(separator: "\n").filter { $0.hasPrefix(keyword) }.compactMap { line in
      var path = String(line.dropFirst(keyword.count))
      for prefix in ["~/", "%d/"] where path.hasPrefix(prefix) { path = "\(home)/\(path.dropFirst(prefix.count))" }
      return path.contains("%") ? nil : path
    }
  }
}
