import Foundation
import Testing

/// Whoever is taken out is out with every connection that was opened before, and nobody else notices.
@Suite(.serialized) struct ShutOutTests {
  @Test func aRemovedDeviceKeepsNoConnection() throws {
    try Lab.with { lab in
      let (_, agent, _) = try lab.startKitchenPi()
      let attic = try lab.boxKey("attic")
      let port = try #require(
        lab.anna.succeed("provision attic-pi", body: lab.provisionBody(attic.key)).fields["port"] as? Int)
      let session = try lab.startEndlessSession()
      let tunnel = try lab.carryingSSHD()

      let idle = try attic.holder.start(["-v", "-N"])
      let listening = try attic.holder.start(["-v", "-N", "-R", "127.0.0.1:\(port):127.0.0.1:22"])
      let busy = try attic.holder.startWaiting("attach")
      try eventually("the device listens\n\(listening.error)", within: 15) { PortBlock.isListening(port) }
      try eventually("the device runs a command\n\(busy.error)", within: 15) {
        Lab.processes(of: [lab.hostA.uid ?? getuid()]).contains {
          $0.1.contains("fleet-server device ") && $0.1.contains(" \(port)")
        }
      }
      try eventually("all three are logged in", within: 15) {
        [idle, listening, busy].allSatisfy { $0.error.contains("Authenticated to") }
      }

      try lab.anna.succeed("remove attic-pi")
      for connection in [idle, listening, busy] {
        #expect(connection.wait(5) != nil, "\(connection.arguments)")
      }
      #expect(!PortBlock.isListening(port))

      try session.goesOn()
      #expect(try lab.carryingSSHD() == tunnel && lab.state("kitchen-pi") == "online")
      #expect(agent.wait(0) == nil)
      session.running.stop()
    }
  }

  /// Whose connection it is that logs in meanwhile nobody can say yet: it was ended, and `fleet` said that HostA does not
  /// answer.
  @Test func aRemovalCutsOffNobodyWhoIsLoggingIn() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let stop = lab.laptop.home.appending(path: "stop")
      // A login that takes longer than the two seconds that it is given may be cut off.
      let login = """
        until [ -e "$0" ]; do
          begun=$(date +%s%N)
          if "$@" >/dev/null; then
            echo in
          else
            took=$(($(date +%s%N) - begun))
            [ "$took" -gt 1800000000 ] || { echo "cut off after $took ns" >&2; exit 1; }
          fi
        done
        """
      let logins = try (0..<3).map { _ in
        try lab.start(lab.laptop, ["sh", "-c", login, stop.path] + lab.anna.line([], ["version"]))
      }
      let attic = try lab.boxKey("attic")
      for _ in 0..<12 {
        try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(attic.key))
        try lab.anna.succeed("remove attic-pi")
      }
      try lab.write("", to: "stop", of: lab.laptop)
      for login in logins {
        #expect(login.wait(30) == 0, "\(login.error)")
        #expect(login.output.contains("in\n"))
      }
    }
  }

  /// A laptop was stolen: its sessions end, and a new key under the same name brings the old connections nothing.
  @Test func anOperatorWhoIsTakenOutKeepsNoConnection() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      let session = try lab.startEndlessSession()
      let bob = try lab.newOperatorKey("bob")
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "add", "bob", "--key", bob.file])

      func connections() throws -> [Running] {
        let idle = try bob.holder.start(["-v", "-N"])
        let connected = try bob.holder.startWaiting("connect kitchen-pi")
        try eventually("the device answers\n\(connected.error)", within: 15) { connected.output.contains("SSH-2.0-") }
        try eventually("bob is logged in", within: 15) { idle.error.contains("Authenticated to") }
        return [idle, connected]
      }
      let before = try connections()
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "add", "bob", "--key", bob.file, "--role", "operator"])
      for connection in before { #expect(connection.wait(5) != nil, "\(connection.arguments)") }

      let after = try connections()
      try lab.succeed(lab.hostA, ["fleet-server", "operator", "remove", "bob"])
      for connection in after { #expect(connection.wait(5) != nil, "\(connection.arguments)") }
      #expect(try bob.holder.run([], command: ["version"]).error.contains("Permission denied"))
      try session.goesOn()
      session.running.stop()
    }
  }
}

extension Thief {
  /// A request whose standard input stays open. It says when it is logged in.
  fileprivate func startWaiting(_ request: String) throws -> Running {
    let pipe = account.home.appending(path: "pipe-\(UUID().uuidString.prefix(8))").path
    return try lab.start(
      account,
      ["sh", "-c", "mkfifo \"$1\" && exec 3<>\"$1\" && shift && exec \"$@\" <&3", "sh", pipe]
        + line(["-v"], [request]))
  }
}

/// A session of the person's own on kitchen-pi that says something ten times a second.
private struct EndlessSession {
  let running: Running

  /// Waits until it has said more.
  func goesOn() throws {
    let said = running.output.utf8.count
    try eventually("the session goes on\n\(running.error)", within: 15) { running.output.utf8.count > said }
  }
}

extension Lab {
  fileprivate func startEndlessSession() throws -> EndlessSession {
    let session = EndlessSession(
      running: try start(
        laptop, ["fleet", "ssh", "kitchen-pi", "while echo on; do sleep 0.1; done"], environment: ["FLEET_REUSE": "0"]))
    try session.goesOn()
    return session
  }

  /// A key on the laptop, with its public half as a file on HostA.
  fileprivate func newOperatorKey(_ name: String) throws -> (holder: Thief, file: String) {
    try succeed(laptop, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name])
    let file = try write(try succeed(laptop, ["cat", "\(name).pub"]), to: "\(name).pub", of: hostA)
    return (Thief(lab: self, account: laptop, key: laptop.home.appending(path: name)), file.path)
  }
}
