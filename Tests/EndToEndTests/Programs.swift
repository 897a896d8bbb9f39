import Foundation

/// The three built programs, installed as `make install` does it where every account of a lab can read them.
enum Programs {
  /// From `FLEET_PROGRAMS` where it is set (the release programs of `make test`), else from beside the test runner.
  static let folder: URL = {
    let built =
      ProcessInfo.processInfo.environment["FLEET_PROGRAMS"].map { URL(filePath: $0) }
      ?? URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    let copy = Scratch.folder.appending(path: "bin")
    do {
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      for name in ["fleet", "fleet-agent", "fleet-server"] {
        try FileManager.default.copyItem(at: built.appending(path: name), to: copy.appending(path: name))
      }
      let share = Scratch.folder.appending(path: "share/fleet")
      try FileManager.default.createDirectory(at: share, withIntermediateDirectories: true)
      let checkout = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
      let device = checkout.appending(path: "provisioning/device")
      let target = share.appending(path: "device")
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      // Not copyItem, which fails where the checkout belongs to another account.
      for name in try FileManager.default.contentsOfDirectory(atPath: device.path) {
        try Data(contentsOf: device.appending(path: name)).write(to: target.appending(path: name))
      }
    } catch {
      fatalError("the programs are not built in \(built.path): \(error)")
    }
    return copy
  }()

  static func path(_ name: String) -> String { folder.appending(path: name).path }
}
