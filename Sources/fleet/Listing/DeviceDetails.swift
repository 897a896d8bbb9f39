import FleetProtocol

/// Everything about one device, for `fleet show`.
enum DeviceDetails {
  static func text(_ reply: ShowReply, now: Timestamp, style: TerminalStyle) -> String {
    let device = reply.device
    func seen(_ moment: Timestamp?) -> String {
      moment.map { "\(RelativeTime.text($0, now: now)) (\($0))" } ?? "never"
    }
    var state = style.paint(device.state.rawValue, device.state)
    if let note = device.note { state += ", \(DisplayText.escaped(note))" }
    var rows = [
      ("name", device.name.rawValue), ("state", state), ("last seen", seen(device.lastSeen)),
      ("latency", DeviceTable.latency(device.rtt_ms)), ("user", device.user.rawValue),
      ("port on HostA", device.port.description), ("tags", DeviceTable.tags(device.tags)),
      ("host keys", device.enrolled ? "pinned" : "not known yet"), ("provisioned", seen(device.provisioned)),
      ("agent version", optional(device.agentVersion)), ("address", optional(device.remoteAddress)),
      ("received", device.bytesReceived.map(bytes) ?? "-"), ("sent", device.bytesSent.map(bytes) ?? "-"),
      ("identity", device.id.rawValue),
    ]
    if let expires = device.expires {
      let left = RelativeTime.length(max(0, expires.seconds - now.seconds))
      rows.append(("expires", "in \(left) (\(expires)), unless it is seen before"))
    }
    rows += device.facts.sorted { $0.key < $1.key }.map {
      (DisplayText.escaped($0.key), DisplayText.escaped($0.value))
    }
    rows += reply.outages.enumerated().map { ($0.offset == 0 ? "last outages" : "", outage($0.element, now: now)) }
    let width = rows.map { DisplayWidth.of($0.0) }.max() ?? 0
    return rows.map { DisplayWidth.padded($0.0, to: width) + "  " + $0.1 + "\n" }.joined()
  }

  /// `14 s, from 2026-01-02T03:04:05Z to 2026-01-02T03:04:19Z`, or how long it has lasted.
  private static func outage(_ outage: Outage, now: Timestamp) -> String {
    let length_s = outage.length_s ?? max(0, now.seconds - outage.from.seconds)
    return RelativeTime.length(length_s)
      + (outage.to.map { ", from \(outage.from) to \($0)" } ?? " until now, since \(outage.from)")
  }

  /// `999 B`, `1.2 kB`, `3.4 GB`: powers of 1000, one decimal.
  static func bytes(_ count: Int64) -> String {
    var tenths = count
    var unit = "B"
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
      guard unit == "B" ? count >= 1000 : tenths >= 10_000 else { break }
      tenths = unit == "B" ? count / 100 : tenths / 1000
      unit = larger
    }
    return unit == "B" ? "\(count) B" : "\(tenths / 10).\(tenths % 10) \(unit)"
  }

  private static func optional(_ text: String?) -> String { text.map { DisplayText.escaped($0) } ?? "-" }
}
