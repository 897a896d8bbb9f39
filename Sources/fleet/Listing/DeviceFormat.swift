import FleetProtocol

/// `--format '{name}\t{state}'`: a line for each device, made of its fields.
struct DeviceFormat: Hashable {
  private enum Part: Hashable {
    case text(String)
    case field(DeviceField)
  }

  private let parts: [Part]

  /// `{FIELD}` is a field, `{{` and `}}` are braces, `\t`, `\n` and `\\` a tab, a newline and a backslash. Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    var parts: [Part] = []
    var plain = ""
    var rest = text[...]
    func refusal(_ reason: String) -> Refusal {
      Refusal(.usage, "the format is not understood: \(reason)", hint: "write it as in '{name}\\t{state}'")
    }
    while let character = rest.popFirst() {
      switch character {
      case "\\":
        switch rest.popFirst() {
        case "t": plain += "\t"
        case "n": plain += "\n"
        case "\\": plain += "\\"
        default: throw refusal("a backslash stands before t, n or another backslash")
        }
      case "{" where rest.first == "{", "}" where rest.first == "}": plain.append(rest.removeFirst())
      case "{":
        guard let close = rest.firstIndex(of: "}") else { throw refusal("a '{' is not closed; '{{' is a brace") }
        if !plain.isEmpty { parts.append(.text(plain)) }
        plain = ""
        parts.append(.field(try DeviceField(parsing: rest[..<close])))
        rest = rest[rest.index(after: close)...]
      case "}": throw refusal("a '}' closes nothing; '}}' is a brace")
      default: plain.append(character)
      }
    }
    if !plain.isEmpty { parts.append(.text(plain)) }
    self.parts = parts
  }

  /// The device's line, with a newline at its end.
  func line(_ device: DeviceStatus) -> String {
    var line = ""
    for part in parts {
      switch part {
      case .text(let text): line += text
      case .field(let field): line += field.text(of: device)
      }
    }
    return line + "\n"
  }
}
