import FleetProtocol
import Testing

@testable import FleetServer

/// What doctor prints.
@Suite struct HostReportTests {
  private let report = HostReport(
    subject: "HostA in /h",
    findings: [
      .fine(.disk, "74 MiB free"),
      HostFinding(.warning, .run, "it is not running", consequence: "nobody looks", mend: .shell("fleet-server run")),
      HostFinding(
        .serious, .gatewayPorts, "GatewayPorts yes", consequence: "it is open",
        mend: HostFinding.Mend(line: "GatewayPorts no", place: "/etc/x")),
      HostFinding(.note, .maxSessions, "MaxSessions 10", consequence: "it is slow"),
    ])

  @Test func forPeople() {
    #expect(
      report.text == """
        HostA in /h

        ✗ gatewayports  GatewayPorts yes
            it is open
            /etc/x:
                GatewayPorts no
        ! run           it is not running
            nobody looks
            a shell:
                fleet-server run
        - maxsessions   MaxSessions 10
            it is slow
        ✓ disk          74 MiB free

        1 serious, 1 warning, 1 note, 1 fine

        """)
  }

  @Test func forPrograms() {
    #expect(
      report.json == """
        {"v":1,"ok":false,"findings":[\
        {"code":"run","severity":"warning","what":"it is not running","consequence":"nobody looks",\
        "mend":"fleet-server run","where":"a shell"},\
        {"code":"gatewayports","severity":"serious","what":"GatewayPorts yes","consequence":"it is open",\
        "mend":"GatewayPorts no","where":"/etc/x"},\
        {"code":"maxsessions","severity":"note","what":"MaxSessions 10","consequence":"it is slow","mend":null,\
        "where":null}],"fine":[{"code":"disk","what":"74 MiB free"}]}
        """)
    #expect(!report.isOK)
    #expect(HostReport(subject: "", findings: report.findings.filter { $0.severity != .serious }).isOK)
  }
}
