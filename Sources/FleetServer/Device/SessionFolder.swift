import FleetProtocol
import Glibc

/// `sessions/`, for whoever reads the files of thousands of devices at once.
struct SessionFolder {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: SessionRecord.limit + 1)

  init(home: Home) throws(Refusal) {
    descriptor = open(home.sessions, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .systemCall("\(home.sessions) cannot be opened") }
  }

  func close() { Glibc.close(descriptor) }

  /// `nil` where there is none, and where it is not understood.
  mutating func session(of device: DeviceID) -> SessionRecord? {
    let file = openat(descriptor, "\(device.rawValue).json", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    // A file is replaced and never changed, so that one call reads all of it.
    let count = read(file, &buffer, buffer.count)
    Glibc.close(file)
    guard count > 0, count < buffer.count else { return nil }
    return try? SessionRecord(parsing: Array(buffer[..<count]))
  }
}
