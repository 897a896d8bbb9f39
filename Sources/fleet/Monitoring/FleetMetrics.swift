import FleetProtocol

/// What `fleet metrics` tells Prometheus.
enum FleetMetrics {
  /// What HostA answered.
  struct Answer {
    var devices: [DeviceStatus]
    /// Boxes that wait for approval.
    var waiting: Int64
  }

  /// The whole text; `answer` is `nil` where HostA did not answer, and then only that is told.
  static func text(_ answer: Answer?, host: String, took: Duration) -> String {
    let host: (name: String, value: String) = ("host", DisplayText.escaped(host))
    func one(_ name: String, _ help: String, _ value: PrometheusText.Value) -> PrometheusText.Family {
      PrometheusText.Family(name: name, help: help, samples: [PrometheusText.Sample(labels: [host], value: value)])
    }
    var text = PrometheusText()
    text.add(one("fleet_host_up", "Whether HostA answered, 1 or 0.", .integer(answer == nil ? 0 : 1)))
    text.add(one("fleet_scrape_duration_seconds", "How long HostA's answer took.", .number(took / .seconds(1))))
    guard let answer else { return text.text }
    text.add(
      one("fleet_boxes_pending", "Boxes that wait for the approval of an operator.", .integer(answer.waiting)))
    let states = DeviceState.allCases.map { state in
      PrometheusText.Sample(
        labels: [host, ("state", state.rawValue)],
        value: .integer(Int64(answer.devices.count { $0.state == state })))
    }
    text.add(PrometheusText.Family(name: "fleet_devices", help: "Devices by state.", samples: states))
    let devices = answer.devices.sorted { $0.name < $1.name }
    for metric in perDevice {
      let samples = devices.flatMap { device in
        metric.samples(device).map { sample in
          PrometheusText.Sample(
            labels: [host, ("device", device.name.rawValue)] + sample.labels, value: sample.value)
        }
      }
      text.add(
        PrometheusText.Family(name: metric.name, kind: metric.kind, help: metric.help, samples: samples))
    }
    return text.text
  }

  /// A metric that each device has, and what it is for one.
  private struct Metric: Sendable {
    let name: String
    var kind = PrometheusText.Family.Kind.gauge
    let help: String
    let samples: @Sendable (DeviceStatus) -> [PrometheusText.Sample]
  }

  private static let perDevice = [
    Metric(name: "fleet_device_up", help: "Whether the device can be reached, 1 or 0.") { device in
      [PrometheusText.Sample(value: .integer(device.state == .online || device.state == .duplicate ? 1 : 0))]
    },
    Metric(name: "fleet_device_state", help: "The device's state, as a label; always 1.") { device in
      [PrometheusText.Sample(labels: [("state", device.state.rawValue)], value: .integer(1))]
    },
    Metric(
      name: "fleet_device_last_seen_timestamp_seconds", help: "When something last came from the device."
    ) { device in
      device.lastSeen.map { [PrometheusText.Sample(value: .integer($0.seconds))] } ?? []
    },
    Metric(
      name: "fleet_device_round_trip_seconds", help: "The round trip time between HostA and the device."
    ) { device in
      // In whole microseconds, as the kernel has it.
      device.rtt_ms.map { [PrometheusText.Sample(value: .number(($0 * 1000).rounded() / 1_000_000))] } ?? []
    },
    Metric(
      name: "fleet_device_received_bytes_total", kind: .counter,
      help: "Bytes that the device's present connection brought to HostA."
    ) { device in
      device.bytesReceived.map { [PrometheusText.Sample(value: .integer($0))] } ?? []
    },
    Metric(
      name: "fleet_device_sent_bytes_total", kind: .counter,
      help: "Bytes that the device's present connection took from HostA."
    ) { device in
      device.bytesSent.map { [PrometheusText.Sample(value: .integer($0))] } ?? []
    },
    Metric(
      name: "fleet_device_info", help: "What the device is, as labels; always 1."
    ) { device in
      // The version comes from the device and may be any text.
      let labels = [
        ("id", device.id.rawValue), ("port", device.port.description), ("user", device.user.rawValue),
        ("agent_version", DisplayText.escaped(device.agentVersion ?? "")),
      ]
      return [PrometheusText.Sample(labels: labels, value: .integer(1))]
    },
    Metric(name: "fleet_device_tag_info", help: "A tag of the device, as labels; always 1.") { device in
      device.tags.sorted { $0.key < $1.key }.map { tag in
        PrometheusText.Sample(
          labels: [("tag", tag.key), ("value", DisplayText.escaped(tag.value))], value: .integer(1))
      }
    },
  ]
}
