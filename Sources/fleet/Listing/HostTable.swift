import FleetProtocol

/// What `fleet hosts` shows.
enum HostTable {
  private static let columns = ["NAME", "DEFAULT", "ADDRESS", "OPERATOR", "IDENTITY"].map {
    TextTable.Column(heading: $0)
  }

  /// The table, sorted by name, a newline after each row.
  static func text(_ configuration: Configuration, style: TerminalStyle) -> String {
    let rows = configuration.hosts.sorted { $0.name < $1.name }.map { host in
      [
        host.name, isDefault(host, configuration) ? "yes" : "-", host.place, host.operatorName?.rawValue ?? "-",
        host.identity.map { DisplayText.escaped($0) } ?? "ssh chooses",
      ]
    }
    return TextTable(columns: columns, rows: rows).text(style: style) { row, column, cell in
      column < 2 && rows[row][1] == "yes" ? style.paint(cell, .green) : cell
    }
  }

  /// `{"v":1,"default":"office","hosts":[...]}`, each as the configuration holds it.
  static func json(_ configuration: Configuration) -> String {
    let hosts = configuration.hosts.sorted { $0.name < $1.name }.map { JSON.object($0.object) }
    let chosen = (try? configuration.host(named: nil))?.name
    return JSON.object(["v": .integer(Reply.version), "default": JSON(chosen), "hosts": .array(hosts)]).text + "\n"
  }

  private static func isDefault(_ host: ConfiguredHost, _ configuration: Configuration) -> Bool {
    (try? configuration.host(named: nil)) == host
  }
}
