import FleetProtocol

/// What is shown of the devices' output, piece by piece, in one of three forms.
struct ExecReport {
  enum Form {
    /// Each line as it comes, behind the device's name.
    case prefixed
    /// All that a device has written at once, when it is done.
    case grouped
    /// A JSON object for each device, when it is done.
    case json
  }

  /// The device's stream, and ours.
  enum Stream { case output, errors }

  /// Bytes for one of our streams.
  struct Piece: Hashable {
    let stream: Stream
    let bytes: [UInt8]
  }

  private struct Lines {
    var output: LinePrefixer
    var errors: LinePrefixer
  }

  private struct Kept {
    var output = CappedOutput()
    var errors = CappedOutput()
  }

  let form: Form
  /// Whether our streams are terminals.
  let outputIsTerminal: Bool
  let errorsAreTerminal: Bool
  let style: TerminalStyle
  private var lines: [ExecJob: Lines] = [:]
  private var kept: [ExecJob: Kept] = [:]

  init(form: Form, outputIsTerminal: Bool, errorsAreTerminal: Bool, style: TerminalStyle) {
    self.form = form
    self.outputIsTerminal = outputIsTerminal
    self.errorsAreTerminal = errorsAreTerminal
    self.style = style
  }

  /// A device has written something.
  mutating func add(_ bytes: ArraySlice<UInt8>, to stream: Stream, of job: ExecJob) -> [Piece] {
    switch form {
    case .prefixed:
      var lines = lines[job] ?? newLines(of: job)
      let text = stream == .output ? lines.output.take(bytes) : lines.errors.take(bytes)
      self.lines[job] = lines
      return Self.pieces(text, stream)
    case .grouped:
      // In the order in which it came: what an error is about stands before it.
      kept[job, default: Kept()].output.add(bytes)
    case .json:
      if stream == .output {
        kept[job, default: Kept()].output.add(bytes)
      } else {
        kept[job, default: Kept()].errors.add(bytes)
      }
    }
    return []
  }

  /// A device is done.
  mutating func end(_ job: ExecJob, _ outcome: ExecOutcome) -> [Piece] {
    switch form {
    case .prefixed:
      guard var lines = lines.removeValue(forKey: job) else { return [] }
      return Self.pieces(lines.output.end(), .output) + Self.pieces(lines.errors.end(), .errors)
    case .grouped:
      let kept = kept.removeValue(forKey: job)
      guard kept != nil || outcome.isOwnEnd else { return [] }
      return [Piece(stream: .output, bytes: group(job, outcome, kept?.output ?? CappedOutput()))]
    case .json:
      let kept = kept.removeValue(forKey: job) ?? Kept()
      return [Piece(stream: .output, bytes: Array((Self.json(job, outcome, kept).text + "\n").utf8))]
    }
  }

  private func newLines(of job: ExecJob) -> Lines {
    Lines(
      output: LinePrefixer(prefix: "\(job.device): ", forTerminal: outputIsTerminal),
      errors: LinePrefixer(prefix: "\(job.device): ", forTerminal: errorsAreTerminal))
  }

  private func group(_ job: ExecJob, _ outcome: ExecOutcome, _ output: CappedOutput) -> [UInt8] {
    let state = outcome.state == .failed ? "status \(outcome.status ?? 255)" : ExecSummary.words(outcome.state)
    let heading = "== \(job.label): \(state), \(ShortDuration.text(outcome.duration))"
    var text = Array((style.paint(heading, outcome.state == .ok ? .bold : .red) + "\n").utf8)
    text += OutputText.lines(output.bytes, forTerminal: outputIsTerminal)
    if output.cut > 0 { text += Array("-- \(output.cut) bytes more were written, and are not kept\n".utf8) }
    return text
  }

  private static func pieces(_ bytes: [UInt8], _ stream: Stream) -> [Piece] {
    bytes.isEmpty ? [] : [Piece(stream: stream, bytes: bytes)]
  }

  private static func json(_ job: ExecJob, _ outcome: ExecOutcome, _ kept: Kept) -> JSON {
    var object: JSONObject = [
      "v": .integer(Reply.version), "name": .string(job.device.rawValue), "state": .string(outcome.state.rawValue),
      "status": outcome.status.map { .integer(Int64($0)) } ?? .null,
      "duration_s": .number(ShortDuration.seconds(outcome.duration)),
    ]
    if let queued = job.queued { object["queue_id"] = .string(queued.rawValue) }
    object["message"] = JSON(outcome.message)
    add("stdout", kept.output, to: &object)
    add("stderr", kept.errors, to: &object)
    return .object(object)
  }

  /// The text; where it is none, the bytes besides; and how much of it was cut.
  private static func add(_ name: String, _ output: CappedOutput, to object: inout JSONObject) {
    if let text = String(validating: output.bytes, as: UTF8.self) {
      object[name] = .string(text)
    } else {
      object[name] = .string(String(decoding: output.bytes, as: UTF8.self))
      object["\(name)_base64"] = .string(Base64.encode(output.bytes))
    }
    if output.cut > 0 { object["\(name)_cut_bytes"] = .integer(Int64(output.cut)) }
  }
}
