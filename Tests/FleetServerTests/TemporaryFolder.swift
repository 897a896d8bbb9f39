import Foundation
import Testing

@testable import FleetServer

/// A folder for one test, gone when the test's value is.
final class TemporaryFolder {
  let path: String

  init() throws {
    path =
      NSTemporaryDirectory().hasPrefix("/tmp")
      ? "/tmp/fleet-server-\(UUID().uuidString)" : NSTemporaryDirectory() + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  /// A home made by fleet-server itself.
  func home() throws -> Home { try HomeFolder.make(Home(path: path + "/home")) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
