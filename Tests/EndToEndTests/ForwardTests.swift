import Foundation
import Testing

/// `fleet forward`, with a server on the device that answers with what it was sent.
@Suite(.serialized) struct ForwardTests {
  @Test func aPortOfTheDeviceUntilCtrlC() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let (near, second, far) = (lab.ports.box(6), lab.ports.box(7), lab.ports.box(8))
      try lab.startEchoServer(far)

      let forward = try lab.startForward("kitchen-pi", "\(near):\(far)", "\(second):127.0.0.1:\(far)", "--open")
      #expect(
        forward.output == """
          127.0.0.1:\(near) is port \(far) of kitchen-pi
          127.0.0.1:\(second) is port \(far) of 127.0.0.1, through kitchen-pi

          """)
      #expect(try lab.post("there and back", to: near) == "there and back")
      #expect(try lab.post("beyond", to: second) == "beyond")
      let opened = lab.laptop.home.appending(path: "opened")
      try eventually("the browser is opened") {
        (try? String(contentsOf: opened, encoding: .utf8)) == "http://127.0.0.1:\(near)/\n"
      }

      // ssh's own way to a port beyond the device.
      let direct = try lab.fleet(
        "ssh", "-W", "127.0.0.1:\(far)", "kitchen-pi",
        input: "POST /cgi-bin/echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
      #expect(direct.status == 0 && direct.output.hasSuffix("\r\n\r\nhi"), "\(direct)")

      // The port is taken now.
      let taken = try lab.fleet("forward", "kitchen-pi", "\(near):\(far)")
      #expect(taken.status == 1 && taken.error.contains("Address already in use"), "\(taken)")
      #expect(taken.output == "")

      // Ctrl-C, as a terminal sends it to the whole group.
      kill(-forward.pid, SIGINT)
      #expect(forward.wait(20) == 130)
      #expect(!PortBlock.isListening(near) && !PortBlock.isListening(second))
      #expect(!forward.error.contains("lost"), "\(forward.error)")
      try lab.expectNothingLeft()
      // And a signal to it alone.
      let single = try lab.startForward("kitchen-pi", "\(near):\(far)")
      #expect(single.stop(SIGTERM) == nil || single.wait(0) == 143)
      try eventually("the port is free") { !PortBlock.isListening(near) }
      try lab.expectNothingLeft()

      // The device goes away: one ends and says so, one waits.
      let lost = try lab.startForward("kitchen-pi", "\(second):\(far)")
      let kept = try lab.startForward("--keep", "kitchen-pi", "\(near):\(far)")
      agent.stop()
      #expect(lost.wait(60) == 4)
      #expect(lost.error.contains("fleet: the connection to kitchen-pi is lost"), "\(lost.error)")
      try eventually("it waits\n\(kept.error)") { kept.error.contains("waiting for kitchen-pi") }
      try eventually("kitchen-pi is offline") { try lab.state("kitchen-pi") == "offline" }
      let offline = try lab.fleet("forward", "kitchen-pi", "\(second):\(far)")
      #expect(offline.status == 4 && offline.error.contains("offline since"), "\(offline)")
      #expect(try lab.fleet("forward", "nobody", "\(second):\(far)").status == 3)
      try lab.startAgent("kitchen-pi", configuration: configuration)
      try eventually("it listens again\n\(kept.error)", within: 60) {
        kept.output.split(separator: "\n").count == 2
      }
      #expect(try lab.post("back", to: near) == "back")
      kill(-kept.pid, SIGINT)
      #expect(kept.wait(20) == 130)
      try lab.expectNothingLeft()
    }
  }
}

extension Lab {
  /// Starts `fleet forward`, and waits until it says that it listens.
  fileprivate func startForward(_ arguments: String...) throws -> Running {
    try write("#!/bin/sh\necho \"$1\" >~/opened\n", to: "bin/xdg-open", of: laptop, mode: 0o700)
    let forward = try start(laptop, ["fleet", "forward"] + arguments)
    try eventually("it listens", within: 30) {
      if let status = forward.wait(0) { throw NeverHappened(what: "it ended with \(status): \(forward.error)") }
      return forward.error.contains("until Ctrl-C")
    }
    return forward
  }

  /// A web server on the box that answers with what it is sent.
  fileprivate func startEchoServer(_ port: Int) throws {
    let script = try write(
      """
      #!/bin/sh
      printf 'Content-Type: text/plain\\r\\n\\r\\n'
      head -c "$CONTENT_LENGTH"

      """, to: "www/cgi-bin/echo", of: box, mode: 0o700)
    let folder = script.deletingLastPathComponent().deletingLastPathComponent()
    try start(box, ["busybox", "httpd", "-f", "-p", "127.0.0.1:\(port)", "-h", folder.path])
    try eventually("the server listens") { PortBlock.isListening(port) }
  }

  fileprivate func post(_ body: String, to port: Int) throws -> String {
    try succeed(
      laptop, ["busybox", "wget", "-q", "-O", "-", "--post-data", body, "http://127.0.0.1:\(port)/cgi-bin/echo"])
  }

  /// Nothing of it is left but the connection to HostA that all commands share. Only where the laptop has an account of
  /// its own.
  fileprivate func expectNothingLeft() throws {
    guard let uid = laptop.uid else { return }
    try eventually("nothing of it is left") {
      !Self.processes(of: [uid]).contains { _, command in
        !Self.isSharedConnection(command)
          && ["fleet-forward-listens", "proxy --", "fleet forward", " connect kitchen-pi"]
            .contains(where: command.contains)
      }
    }
  }
}
