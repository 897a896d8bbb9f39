import FleetProtocol
import Testing

@testable import fleet

/// What Prometheus is told.
@Suite struct MetricsTests {
  @Test func everyDeviceHasItsMetrics() {
    var device = Sample.device(tags: ["room": "the \"big\" one\\"])
    device.agentVersion = "0.1\n# HELP evil"
    let text = FleetMetrics.text(
      FleetMetrics.Answer(
        devices: [device, Sample.device("attic-pi", state: .offline, lastSeen_s: nil, rtt_ms: nil)], waiting: 2),
      host: "hosta.example", took: .milliseconds(250))
    for line in [
      "# TYPE fleet_host_up gauge", "fleet_host_up{host=\"hosta.example\"} 1",
      "fleet_scrape_duration_seconds{host=\"hosta.example\"} 0.25", "fleet_boxes_pending{host=\"hosta.example\"} 2",
      "fleet_devices{host=\"hosta.example\",state=\"online\"} 1",
      "fleet_devices{host=\"hosta.example\",state=\"stale\"} 0",
      "fleet_device_up{host=\"hosta.example\",device=\"kitchen-pi\"} 1",
      "fleet_device_up{host=\"hosta.example\",device=\"attic-pi\"} 0",
      "fleet_device_last_seen_timestamp_seconds{host=\"hosta.example\",device=\"kitchen-pi\"} \(Sample.now.seconds - 20)",
      "fleet_device_round_trip_seconds{host=\"hosta.example\",device=\"kitchen-pi\"} 0.0234",
      "# TYPE fleet_device_received_bytes_total counter",
      "fleet_device_received_bytes_total{host=\"hosta.example\",device=\"kitchen-pi\"} 1234",
      #"fleet_device_tag_info{host="hosta.example",device="kitchen-pi",tag="room",value="the \"big\" one\\"} 1"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line) in\n\(text)")
    }
    #expect(!text.contains("round_trip_seconds{host=\"hosta.example\",device=\"attic-pi\"}"))
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("# HELP evil") })
  }

  @Test func aHostAThatDoesNotAnswerIsToldAndNothingElse() {
    let text = FleetMetrics.text(nil, host: "hosta.example", took: .seconds(10))
    #expect(text.contains("fleet_host_up{host=\"hosta.example\"} 0\n"))
    #expect(text.split(separator: "\n").count == 6)
  }

  @Test func numbersAndLabelsAreWrittenAsTheFormatWants() {
    var text = PrometheusText()
    text.add(
      PrometheusText.Family(
        name: "x", help: "One\\two\nthree.",
        samples: [.init(value: .number(.infinity)), .init(labels: [("l", "a\"b\\c\r\nd")], value: .number(1e-7))]))
    text.add(PrometheusText.Family(name: "empty", help: "None.", samples: []))
    #expect(
      text.text == "# HELP x One\\\\two\\nthree.\n# TYPE x gauge\nx +Inf\nx{l=\"a\\\"b\\\\c\r\\nd\"} 1e-07\n")
  }
}
