import FleetProtocol

/// Colours, or none of them.
struct TerminalStyle: Hashable {
  enum Color: String { case bold = "1", green = "32", yellow = "33", red = "31", faint = "2" }

  let hasColor: Bool

  func paint(_ text: String, _ color: Color) -> String {
    hasColor ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
  }

  func paint(_ text: String, _ state: DeviceState) -> String {
    switch state {
    case .online: paint(text, .green)
    case .stale, .unknown, .duplicate: paint(text, .yellow)
    case .offline: paint(text, .red)
    }
  }
}
