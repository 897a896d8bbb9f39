#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where Linux and macOS differ; every other file is the same for both.
enum Platform {
  #if canImport(Glibc)
    typealias SpawnFileActions = posix_spawn_file_actions_t
    typealias SpawnAttributes = posix_spawnattr_t
    static let socketStream = Int32(SOCK_STREAM.rawValue)
    static let socketDatagram = Int32(SOCK_DGRAM.rawValue)
    /// POSIX_SPAWN_SETSID, which glibc's header shows to C alone.
    static let spawnInNewSession: Int16 = 0x80
    /// The option of a TCP socket that acknowledges at once.
    static let quickAcknowledgement: Int32? = TCP_QUICKACK
    /// What stands in a terminal's settings where a key has no meaning.
    static let noKey: cc_t = 0
  #else
    typealias SpawnFileActions = posix_spawn_file_actions_t?
    typealias SpawnAttributes = posix_spawnattr_t?
    static let socketStream = SOCK_STREAM
    static let socketDatagram = SOCK_DGRAM
    static let spawnInNewSession = Int16(POSIX_SPAWN_SETSID)
    static let quickAcknowledgement: Int32? = nil
    static let noKey: cc_t = 0xFF
  #endif

  /// The program that opens an address in the browser.
  static var browserOpener: String {
    #if canImport(Glibc)
      "xdg-open"
    #else
      "open"
    #endif
  }

  static func emptySpawnFileActions() -> SpawnFileActions {
    #if canImport(Glibc)
      posix_spawn_file_actions_t()
    #else
      nil
    #endif
  }

  static func emptySpawnAttributes() -> SpawnAttributes {
    #if canImport(Glibc)
      posix_spawnattr_t()
    #else
      nil
    #endif
  }

  static func changeTime(_ information: stat) -> timespec {
    #if canImport(Glibc)
      information.st_mtim
    #else
      information.st_mtimespec
    #endif
  }

  /// The running program's file, with links resolved; `nil` when the system does not tell.
  static var executablePath: String? {
    #if canImport(Glibc)
      return realPath("/proc/self/exe")
    #else
      var size = UInt32(PATH_MAX)
      var buffer = [CChar](repeating: 0, count: Int(size))
      guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
      return realPath(String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    #endif
  }

  /// The file that a path leads to in the end; `nil` where there is none.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
