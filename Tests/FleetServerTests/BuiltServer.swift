import FleetProtocol
import Foundation
import TestProcesses
import Testing

@testable import FleetServer

/// The `fleet-server` program that was built beside these tests, run as its own process.
struct BuiltServer {
  let home: String

  static let path: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return (tests as NSString).deletingLastPathComponent + "/fleet-server"
  }()

  /// Starts it without waiting. Its environment holds what is given here and nothing else.
  func start(_ arguments: [String], environment: [String: String] = [:], input: String = "") throws -> SpawnedProcess {
    let all = ["FLEET_SERVER_HOME": home, "PATH": "/usr/bin:/bin:/usr/sbin"].merging(environment) { $1 }
    return try SpawnedProcess(Self.path, arguments, environment: all, input: input)
  }

  func run(_ arguments: [String], environment: [String: String] = [:], input: String = "") throws
    -> SpawnedProcess.Result
  {
    try start(arguments, environment: environment, input: input).result()
  }

  /// What sshd would run for this operator.
  func request(_ command: String, by name: String = "alice", body: String = "") throws -> SpawnedProcess.Result {
    try run(["operator", name], environment: ["SSH_ORIGINAL_COMMAND": command], input: body)
  }

  /// A HostA with the operator alice, whose key is the sample key 1.
  func initialise(ports: String = "20000-29999", listen: String = "127.0.0.1:2222") throws {
    let keyFile = home + ".alice.pub"
    try "\(sampleKey(1)) alice@laptop\n".write(toFile: keyFile, atomically: true, encoding: .utf8)
    let result = try run([
      "init", "--address", "127.0.0.1", "--listen", listen, "--ports", ports, "--operator", "alice",
      "--operator-key", keyFile,
    ])
    try #require(result.status == 0, "\(result.errors)")
  }
}

extension SpawnedProcess.Result {
  /// The reply's header.
  func reply() throws -> Reply { try Reply(parsing: Array((output.split(separator: "\n").first ?? "").utf8)) }
}

/// Waits until something is so; fails the test after `limit`.
func eventually(
  _ what: Comment, within limit: Duration = .seconds(15), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () throws -> Bool
) throws {
  var patience = Patience(limit)
  while !(try condition()) {
    let goesOn = patience.wait()
    try #require(goesOn, what, sourceLocation: sourceLocation)
  }
}
