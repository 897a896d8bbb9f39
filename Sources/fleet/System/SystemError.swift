import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Refusal {
  /// A system call that failed: `what` is a clause such as "cannot write /x/y".
  static func system(_ what: String, error: Int32 = errno) -> Refusal {
    Refusal(.ioFailed, "\(what): \(String(cString: strerror(error)))")
  }
}
