import FleetProtocol

/// What became of each row so far, and the file that tells it.
struct ProvisionResults: Hashable {
  enum Outcome: Hashable {
    case waiting
    case done(TCPPort, wasThere: Bool)
    case refused(String)
  }

  let rows: [DeviceList.Row]
  private(set) var outcomes: [DeviceName: Outcome] = [:]

  init(_ rows: [DeviceList.Row]) { self.rows = rows }

  mutating func set(_ outcome: Outcome, for name: DeviceName) { outcomes[name] = outcome }

  func outcome(of name: DeviceName) -> Outcome { outcomes[name] ?? .waiting }

  /// Rows that nothing stands before any more.
  var settled: Int { outcomes.count }
  var refused: Int { outcomes.values.count { if case .refused = $0 { true } else { false } } }
  var made: Int { outcomes.values.count { if case .done(_, wasThere: false) = $0 { true } else { false } } }
  var found: Int { outcomes.values.count { if case .done(_, wasThere: true) = $0 { true } else { false } } }

  static func fileName(of name: DeviceName) -> String { "\(name).tar.gz" }

  /// The result file.
  var csv: String {
    var text = CSV.line(["row", "name", "state", "port", "file", "message"])
    for row in rows {
      let fields =
        switch outcome(of: row.name) {
        case .waiting: ["waiting", "", "", ""]
        case .done(let port, let wasThere):
          ["done", port.description, Self.fileName(of: row.name), wasThere ? "done already" : ""]
        case .refused(let message): ["refused", "", "", message]
        }
      text += CSV.line([String(row.number), row.name.rawValue] + fields)
    }
    return text
  }

  /// `500 rows: 498 made, 2 refused`.
  var summary: String {
    let parts = [(made, "made"), (found, "done already"), (refused, "refused"), (rows.count - settled, "not begun")]
    return "\(rows.count) rows: " + parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}
