/// Prometheus' text format, version 0.0.4.
struct PrometheusText {
  /// One metric: what it is called, what it means, and its samples.
  struct Family {
    enum Kind: String {
      case gauge
      case counter
    }

    var name: String
    var kind = Kind.gauge
    /// One sentence; a full stop ends it.
    var help: String
    var samples: [Sample]
  }

  struct Sample {
    /// In the order in which they are written.
    var labels: [(name: String, value: String)] = []
    var value: Value
  }

  enum Value {
    case integer(Int64)
    case number(Double)
  }

  private(set) var text = ""

  /// A family without samples says nothing and is left out.
  mutating func add(_ family: Family) {
    if family.samples.isEmpty { return }
    text += "# HELP \(family.name) \(Self.escapedHelp(family.help))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
    for sample in family.samples {
      text += family.name
      if !sample.labels.isEmpty {
        text += "{"
        for (index, label) in sample.labels.enumerated() {
          if index > 0 { text += "," }
          text += "\(label.name)=\"\(Self.escapedLabel(label.value))\""
        }
        text += "}"
      }
      text += " \(Self.number(sample.value))\n"
    }
  }

  /// A backslash, a line break and a double quote would end a label's value too early.
  static func escapedLabel(_ value: String) -> String { escapedHelp(value).replacingScalar("\"", by: "\\\"") }

  private static func escapedHelp(_ text: String) -> String {
    text.replacingScalar("\\", by: "\\\\").replacingScalar("\n", by: "\\n")
  }

  private static func number(_ value: Value) -> String {
    switch value {
    case .integer(let value): "\(value)"
    case .number(let value) where value.isNaN: "NaN"
    case .number(let value) where value.isInfinite: value < 0 ? "-Inf" : "+Inf"
    case .number(let value): "\(value)"
    }
  }
}
