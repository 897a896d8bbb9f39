import FleetProtocol
import Glibc

/// `sessions/`, for whoever reads the files of thousands of devices at once.
struct SessionFolder {
  private let descriptor: Int32
  private let home: Home
  /// The devices whose files stand in memory.
  private let inMemory: Set<DeviceID>
  private var buffer = [UInt8](repeating: 0, count: SessionRecord.limit + 1)

  init(home: Home) throws(Refusal) {
    self.home = home
    descriptor = open(home.sessions, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .systemCall("\(home.sessions) cannot be opened") }
    inMemory = Set(
      MemoryFolder(home).names.compactMap { $0.hasSuffix(".json") ? DeviceID($0.dropLast(5)) : nil })
  }

  func close() { Glibc.close(descriptor) }

  /// `nil` where there is none, and where it is not understood.
  mutating func session(of device: DeviceID) -> SessionRecord? {
    if inMemory.contains(device) { return SessionFile.read(device, home: home) }
    let file = openat(descriptor, "\(device.rawValue).json", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    // A file is replaced and never changed, so that one call reads all of it.
    let count = read(file, &buffer, buffer.count)
    Glibc.close(file)
    guard count > 0, count < buffer.count else { return nil }
    return try? SessionRecord(parsing: Array(buffer[..<count]))
  }
}
