import FleetProtocol
import Glibc

/// Makes and checks fleet-server's folder.
enum HomeFolder {
  /// Makes the folder, its parents and `sessions/` where they are not there, and checks them. Throws `home-unusable`.
  static func make(_ home: Home) throws(Refusal) -> Home {
    var made = ""
    for part in home.path.split(separator: "/") {
      made += "/" + part
      if mkdir(made, 0o700) != 0, errno != EEXIST {
        throw .systemCall("\(made) cannot be made", code: .homeUnusable, hint: "give another --home DIR")
      }
    }
    let home = try check(home)
    if mkdir(home.sessions, 0o700) != 0, errno != EEXIST {
      throw .systemCall("\(home.sessions) cannot be made", code: .homeUnusable)
    }
    return home
  }

  /// The folder by its real path, when nobody else can write there. Throws `home-unusable` or `not-initialised`.
  static func check(_ home: Home) throws(Refusal) -> Home {
    guard let resolved = realpath(home.path, nil) else {
      if errno == ENOENT { throw .notInitialised(home) }
      throw .systemCall("\(home.path) cannot be opened", code: .homeUnusable)
    }
    defer { free(resolved) }
    let home = Home(path: String(cString: resolved))
    try SafePath.check(home.path, what: "fleet-server's folder")
    var path = ""
    for part in [Substring("")] + home.path.split(separator: "/") {
      path = part.isEmpty ? "/" : (path == "/" ? "/\(part)" : "\(path)/\(part)")
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw Refusal(.homeUnusable, "\(path) is not a folder", hint: "give another --home DIR")
      }
      let folder = FolderTrust(path: path, owner: status.st_uid, mode: status.st_mode & 0o7777)
      if let objection = folder.objection(account: geteuid(), isHome: path == home.path) { throw objection }
    }
    return home
  }
}

extension Refusal {
  static func notInitialised(_ home: Home) -> Refusal {
    Refusal(
      .notInitialised, "there is no HostA in \(DisplayText.escaped(home.path, limit: 200))",
      hint: "run 'fleet-server init' first, or give its folder with --home")
  }
}
