import FleetProtocol

/// An ssh that tells what it does, with the time of each word.
struct TracedSSH {
  let status: Int32
  let output: [UInt8]
  let trace: SSHTrace

  /// Runs ssh's `arguments`, its own name first, with further `options` before all others. Throws `tool-missing`.
  init(_ arguments: [String], options: [String] = []) throws(Refusal) {
    let clock = ContinuousClock()
    let start = clock.now
    var lines: [SSHTrace.Moment] = []
    var begun: [UInt8] = []
    // ssh keeps the first value that it sees.
    let told = (["LogLevel=DEBUG1"] + options).flatMap { ["-o", $0] }
    let outcome = try Subprocess.run([arguments[0]] + told + arguments.dropFirst()) { heard in
      let at = clock.now - start
      for byte in heard {
        if byte != UInt8(ascii: "\n") {
          begun.append(byte)
          continue
        }
        if begun.last == UInt8(ascii: "\r") { begun.removeLast() }
        lines.append(SSHTrace.Moment(text: String(decoding: begun, as: UTF8.self), at: at))
        begun = []
      }
    }
    status = outcome.status
    output = outcome.output
    trace = SSHTrace(lines, end: clock.now - start)
  }
}
