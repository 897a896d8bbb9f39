import Foundation

/// A control group that limits how many processes there may be in it, in either hierarchy that Linux has.
final class ProcessGroupLimit {
  private let folder: String

  /// Where one can be made, `nil` where none can.
  static let place: String? = {
    let files = FileManager.default
    let second = "/sys/fs/cgroup"
    let controllers = (try? String(contentsOfFile: second + "/cgroup.subtree_control", encoding: .utf8)) ?? ""
    let place =
      files.fileExists(atPath: second + "/pids/cgroup.procs")
      ? second + "/pids" : controllers.split(whereSeparator: \.isWhitespace).contains("pids") ? second : nil
    guard let place, let probe = try? ProcessGroupLimit(in: place) else { return nil }
    return probe.isThere ? place : nil
  }()

  convenience init() throws { try self.init(in: Self.place ?? "/nowhere") }

  private init(in place: String) throws {
    folder = "\(place)/fleet-\(getpid())-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  private var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/pids.max") }

  private func write(_ text: String, to file: String) throws {
    let descriptor = open("\(folder)/\(file)", O_WRONLY)
    defer { close(descriptor) }
    guard descriptor >= 0, Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
      throw NeverHappened(what: "\(text) is written to \(file): \(String(cString: strerror(errno)))")
    }
  }

  /// From now on the process and what it starts counts.
  func add(_ pid: pid_t) throws { try write("\(pid)", to: "cgroup.procs") }

  /// How many there may be; `nil` for any number. Those that there are live on.
  func setLimit(_ limit: Int?) throws { try write(limit.map { "\($0)" } ?? "max", to: "pids.max") }

  /// Only an empty one can be removed: whoever is left goes back to where it came from.
  deinit {
    let left = (try? String(contentsOfFile: folder + "/cgroup.procs", encoding: .utf8)) ?? ""
    let parent = open((folder as NSString).deletingLastPathComponent + "/cgroup.procs", O_WRONLY)
    for pid in left.split(separator: "\n") { _ = Glibc.write(parent, String(pid), pid.utf8.count) }
    close(parent)
    rmdir(folder)
  }
}
