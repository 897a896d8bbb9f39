import FleetProtocol

@testable import FleetAgent
@testable import FleetServer

/// What the kernel says of processes, sockets and the network. Programs choose their own names, and hosts their addresses.
let kernelTargets = [
  FuzzTarget(
    "process-stat",
    seeds: [
      "4711 (sshd) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 7 8 18446744073709551615\n",
      "1 (\u{301}) R 2 3 4 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 7\n",
      "1 (a) b) (sshd) R 2 3 4 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 7\n",
    ]
  ) { bytes in
    guard let process = ProcessStat(parsing: bytes) else { return }
    // Whatever a program calls itself, the numbers are those before the first and behind the last parenthesis.
    let first = bytes.prefix { $0 != UInt8(ascii: "(") }
    let last = bytes.reversed().prefix { $0 != UInt8(ascii: ")") }.reversed()
    let behind = Array(last).split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { text($0) }
    try require(Int32(text(first).filter { $0 != " " }) == process.pid, "a process has another number")
    try require(behind.count >= 20 && Int32(behind[1]) == process.parent, "a name says who the parent is")
  },
  FuzzTarget(
    "socket-table",
    seeds: [
      """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:4E27 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1
         1: 0100007F:4E28 0200007F:1F90 06 00000000:00000000 00:00000000 00000000     0        0 0 1
      """,
      " 0: 00000000000000000000000001000000:4E27 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 1 1\n",
      " 0: 0000000000000000FFFF00000100007F:4E27 0:0 0A 0:0 0:0 0 1000 0 1 1\n",
    ]
  ) { bytes in
    let table = SocketTable(parsing: bytes)
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    try require(table.entries.count <= lines.count, "a table grows")
    for (port, uid) in table.holders { try require(table.holder(of: port) == uid, "a port has two holders") }
    for line in lines { try require(SocketTable(parsing: line).entries.count <= 1, "a line is two sockets") }
  },
  FuzzTarget(
    "socket-diagnostics",
    seeds: [],
    bytes: [
      [16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF],
      [20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80],
      [100, 0, 0, 0, 20, 0] + [UInt8](repeating: 0, count: 10) + [2, 1, 0, 0, 0x4E, 0x27, 0x1F, 0x90, 127, 0, 0, 1]
        + [UInt8](repeating: 0, count: 60) + [12, 0, 2, 0] + [UInt8](repeating: 1, count: 8),
      [88, 0, 0, 0, 20, 0] + [UInt8](repeating: 0, count: 10) + [10, 10, 0, 0, 0x4E, 0x27, 0, 0]
        + [UInt8](repeating: 0, count: 64),
    ]
  ) { bytes in
    let parts = SocketDiagnosticsMessage.parts(of: bytes)
    try require(parts.count <= bytes.count / 16, "a datagram grows")
    for case .connection(let connection, let health) in parts {
      try require(SSHConnection(parsing: connection.description) == connection, "a connection is another again")
      try require(health.silence_ms >= 0 && health.bytesReceived >= 0, "a connection has less than nothing")
    }
  },
  FuzzTarget(
    "network-changes",
    seeds: [],
    bytes: [
      [32, 0, 0, 0, 16, 0] + [UInt8](repeating: 0, count: 10) + [
        0, 0, 0, 0, 2, 0, 0, 0, 0x43, 0x10, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF,
      ],
      [32, 0, 0, 0, 20, 0] + [UInt8](repeating: 0, count: 10) + [2, 24, 0, 0, 3, 0, 0, 0, 8, 0, 1, 0, 192, 168, 0, 9],
      [28, 0, 0, 0, 24, 0] + [UInt8](repeating: 0, count: 10) + [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],
    ]
  ) { bytes in
    var changes = NetworkChanges()
    _ = changes.read(bytes)
    var same = changes
    let second = same.read(bytes)
    var third = same
    try require(third.read(bytes) == second, "the same news are news for ever")
  },
  FuzzTarget(
    "addresses",
    seeds: [
      "203.0.113.9 50022 198.51.100.1 2222", "2001:db8::1 50022 ::ffff:198.51.100.1 2222",
      "fe80::1%eth0 1 fe80::2%eth0 2",
      "0.0.0.0:2222", "[::]:2222", "127.0.0.1", "::ffff:127.0.0.1",
    ]
  ) { bytes in
    let text = text(bytes)
    if let address = IPAddress(parsing: text) {
      try require(PlainText.isWord("x\(address)"), "an address is no word")
      try require(IPAddress(parsing: "\(address)") == address, "an address is another again: \(address)")
      try require(IPAddress(networkOrder: address.bytes) == address, "an address has other bytes")
    }
    if let connection = SSHConnection(parsing: text) {
      try require(SSHConnection(parsing: "\(connection)") == connection, "a connection is another again: \(connection)")
    }
    if let listen = ListenAddress(parsing: text) {
      try require(PlainText.isPlainLine("\(listen)") && !"\(listen)".contains(" "), "an address is no word of sshd's")
      try require(ListenAddress(parsing: "\(listen)") == listen, "an address is another again: \(listen)")
    }
  },
]
