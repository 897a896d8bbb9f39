import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A request to HostA whose answer is fetched when it is there, while other things go on.
final class HostQuestion {
  private let host: ConfiguredHost
  private let process: WatchedProcess
  private let output: Descriptor
  private let errors: Descriptor
  private var collected: [UInt8] = []
  private var complaints: [UInt8] = []

  /// The longest answer, in bytes: a list of 100,000 devices.
  private static let longestAnswer = 128 << 20

  /// Throws `tool-missing` or `io-failed`.
  init(_ request: OperatorRequest, body: String? = nil, over way: WayToHostA) throws(Refusal) {
    host = way.hostA.host
    let (outputEnd, output) = try Subprocess.makePipe()
    let (errorEnd, errors) = try Subprocess.makePipe()
    var input = try Descriptor.open("/dev/null", O_RDONLY)
    if let body {
      let (source, feed) = try Subprocess.makePipe()
      // A pipe holds it until it is read: no body that is asked with here is longer than its buffer.
      feed.setNonBlocking()
      try feed.write("\(body)\n".utf8)
      input = source
    }
    process = try WatchedProcess(
      ExecSSHArguments.hostA(way, request: request), [0: input, 1: output, 2: errors])
    (self.output, self.errors) = (outputEnd, errorEnd)
    for end in [outputEnd, errorEnd] { end.setNonBlocking() }
  }

  var descriptors: [Int32] { [output, errors].filter(\.isOpen).map(\.number) }

  func signal(_ number: Int32) { process.signal(number) }

  /// The answer once it is whole, `nil` before.
  func look() -> Result<HostRequest.Answer, Refusal>? {
    let isDone = process.look()
    output.drain(into: &collected, limit: Self.longestAnswer)
    errors.drain(into: &complaints, limit: 16 * 1024)
    guard isDone else { return nil }
    var lines = collected.split(separator: UInt8(ascii: "\n"))
    guard !lines.isEmpty else {
      return .failure(
        SSHFailure.refusal(
          host: host, exitStatus: process.exitStatus ?? 255, errorText: String(decoding: complaints, as: UTF8.self)))
    }
    do throws(Refusal) {
      return .success(
        HostRequest.Answer(fields: try HostRequest.fields(of: lines.removeFirst(), host: host), lines: lines))
    } catch {
      return .failure(error)
    }
  }
}

extension Descriptor {
  /// Reads what is there without waiting, and closes at the end; what goes beyond the limit is lost.
  func drain(into content: inout [UInt8], limit: Int) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while isOpen {
      let count = read(number, &buffer, buffer.count)
      if count > 0 {
        content += buffer[..<min(count, max(0, limit - content.count))]
      } else if count < 0, errno == EINTR {
        continue
      } else {
        if count == 0 || errno != EAGAIN { close() }
        return
      }
    }
  }
}
