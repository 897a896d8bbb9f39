import ArgumentParser
import FleetProtocol

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print the devices as metrics for Prometheus.",
    usage: "fleet metrics [SELECTOR...] [--output FILE]",
    discussion: """
      Prometheus' text format, version 0.0.4. When HostA does not answer, fleet_host_up is 0, the metrics are \
      written all the same, and the status is 6.

      EXAMPLE
        fleet metrics
        fleet metrics --output /var/lib/prometheus/node-exporter/fleet.prom
      """)

  @Argument(help: ArgumentHelp("Which devices; all by default.", valueName: "selector"))
  var selectors: [String] = []

  @Option(
    help: ArgumentHelp(
      "Replace this file in one step, as node_exporter's textfile collector wants it.", valueName: "file"),
    completion: .file())
  var output: String?

  func run() throws {
    let selector = try DeviceSelector(selectors)
    let context = try LaptopContext()
    let clock = ContinuousClock()
    let start = clock.now
    do throws(Refusal) {
      let answer = try context.hostA.select(selector)
      try write(
        FleetMetrics.text(
          FleetMetrics.Answer(devices: answer.devices, waiting: answer.waiting), host: context.host.name,
          took: clock.now - start))
    } catch {
      guard error.code.exitStatus == .hostUnreachable || error.code == .notAnOperator else { throw error }
      try write(FleetMetrics.text(nil, host: context.host.name, took: clock.now - start))
      throw error
    }
  }

  private func write(_ text: String) throws(Refusal) {
    guard let output else { return try StandardStreams.print(text) }
    // The collector runs as an account of its own and must be able to read it.
    try FileStore.replace(output, with: Array(text.utf8), mode: 0o644)
  }
}
