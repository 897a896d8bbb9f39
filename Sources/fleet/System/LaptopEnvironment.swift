import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the process was started with: variables, the account, the terminal.
enum LaptopEnvironment {
  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Throws `io-failed` when the account has no home folder.
  static func home() throws(Refusal) -> String {
    guard let home = variable("HOME") ?? getpwuid(getuid()).map({ String(cString: $0.pointee.pw_dir) }),
      home.hasPrefix("/")
    else { throw Refusal(.ioFailed, "this account has no home folder", hint: "set HOME") }
    return home
  }

  /// Throws `io-failed` when the account has no home folder.
  static func paths() throws(Refusal) -> FleetPaths {
    FleetPaths(
      home: try home(), xdgConfigHome: variable("XDG_CONFIG_HOME"), xdgStateHome: variable("XDG_STATE_HOME"))
  }

  /// What `fleet login` has written; empty before the first time. Throws `configuration-invalid`.
  static func configuration(_ paths: FleetPaths) throws(Refusal) -> Configuration {
    guard let text = try FileStore.content(of: paths.configurationFile, limit: Limits.line) else {
      return Configuration()
    }
    return try Configuration(parsing: text)
  }

  private static let hostVariable = "FLEET_HOST"

  /// The HostA that is meant, by name; `nil` for the default.
  static var chosenHost: String? { variable(hostVariable).flatMap { $0.isEmpty ? nil : $0 } }

  /// From now on this HostA is meant: also by a `fleet` that a program runs which we start, such as ssh its ProxyCommand.
  static func choose(host: String) { setenv(hostVariable, host, 1) }

  /// This laptop's time.
  static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }

  static var currentFolder: String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// How many rows and columns the terminal behind a descriptor has; `nil` where there is none, or it does not tell.
  static func terminalSize(_ descriptor: Int32 = STDOUT_FILENO) -> TerminalSize? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return nil }
    return TerminalSize(rows: Int(size.ws_row), columns: Int(size.ws_col))
  }

  /// Whether colour may be written to a stream (no-color.org).
  static func wantsColor(_ descriptor: Int32 = STDOUT_FILENO) -> Bool {
    isTerminal(descriptor) && (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb"
  }

  /// The account's home folder as the system knows it, whatever HOME says: there ssh looks for its files.
  static var accountHome: String? { getpwuid(getuid()).map { String(cString: $0.pointee.pw_dir) } }

  /// The account's login name on this laptop.
  static var loginName: String? { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } }
}
