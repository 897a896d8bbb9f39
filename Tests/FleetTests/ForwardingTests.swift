import FleetProtocol
import Testing

@testable import fleet

@Suite struct ForwardingTests {
  @Test(
    arguments: [
      ("8080", "127.0.0.1:8080:localhost:8080", "127.0.0.1:8080 is port 8080 of kitchen-pi", "http://127.0.0.1:8080/"),
      ("8080:80", "127.0.0.1:8080:localhost:80", "127.0.0.1:8080 is port 80 of kitchen-pi", "http://127.0.0.1:8080/"),
      (
        "8443:10.0.0.7:443", "127.0.0.1:8443:10.0.0.7:443",
        "127.0.0.1:8443 is port 443 of 10.0.0.7, through kitchen-pi", "https://127.0.0.1:8443/"
      ),
      (
        "0.0.0.0:8080:80", "0.0.0.0:8080:localhost:80", "0.0.0.0:8080 is port 80 of kitchen-pi",
        "http://127.0.0.1:8080/"
      ),
      ("*:8080", "*:8080:localhost:8080", "*:8080 is port 8080 of kitchen-pi", "http://127.0.0.1:8080/"),
      ("localhost:1:2", "localhost:1:localhost:2", "localhost:1 is port 2 of kitchen-pi", "http://localhost:1/"),
      (
        "[::1]:8080:[fe80::2]:80", "[::1]:8080:[fe80::2]:80",
        "[::1]:8080 is port 80 of fe80::2, through kitchen-pi", "http://[::1]:8080/"
      ),
    ] as [(String, String, String, String)])
  func ports(text: String, argument: String, sentence: String, url: String) throws {
    let port = try ForwardedPort(parsing: text)
    #expect(port.argument == argument && port.sentence(Sample.kitchen) == sentence && port.url == url)
  }

  @Test(arguments: [
    "", "0", "x", "65536", "8080:", ":8080", "8080:0", "a:b", "8080:80:90", "-x:80", "8080:-x:80", "1:2:3:4", "a:1:b:c",
    "[::1:80", "[::1]80:1", "8080:a b:80", "a:1:b:2:3", "8080:80\n",
  ])
  func noPort(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try ForwardedPort(parsing: text) }
    #expect(refusal?.code == .usage)
  }

  /// As ssh itself understands it.
  @Test func sshIsToldToListenOrToEnd() throws {
    let line = try ForwardArguments.commandLine(
      try DeviceLogin(parsing: "bob@kitchen-pi", usage: ""),
      ports: [try ForwardedPort(parsing: "8080:80"), try ForwardedPort(parsing: "[::1]:1:[fe80::2]:2")],
      options: ["-i", "/k", "-o", "ServerAliveInterval=60", "-o", "ExitOnForwardFailure=no"])
    #expect(line.device == Sample.kitchen && line.user == "bob")
    let arguments = DeviceSSHArguments.ssh(
      line, defaultUser: "pi", name: try FleetHostName(parsing: "kitchen-pi"), program: "/f",
      over: .connection(handover: "/s", staying: nil))
    let outcome = try Subprocess.run(["ssh", "-G", "-F", "/dev/null"] + arguments.dropFirst())
    let lines = Set(outcome.text.split(separator: "\n").map(String.init))
    for expected in [
      "exitonforwardfailure yes", "permitlocalcommand yes", "localcommand echo fleet-forward-listens",
      "localforward [127.0.0.1]:8080 [localhost]:80", "localforward [::1]:1 [fe80::2]:2", "serveraliveinterval 60",
      "serveralivecountmax 3", "user bob",
    ] {
      #expect(lines.contains(expected), "\(expected)\n\(outcome.text)\(outcome.errorText)")
    }
    #expect(throws: Refusal.self) {
      try ForwardArguments.commandLine(
        try DeviceLogin(parsing: "kitchen-pi", usage: ""), ports: [], options: ["-o", "ProxyCommand=x"])
    }
  }

  @Test(
    arguments: [
      ("bind [127.0.0.1]:80: Permission denied\r\nCould not request local forwarding.\r\n", .ioFailed),
      (
        "bind [127.0.0.1]:8080: Address already in use\r\nchannel_setup_fwd_listener_tcpip: cannot listen\r\n",
        .ioFailed
      ),
      ("Host key verification failed.\r\n", .deviceHostKeyChanged),
      ("bob@kitchen-pi: Permission denied (publickey).\r\n", .denied),
      ("command-line: line 0: Bad configuration option: x\r\n", .configurationInvalid),
      ("kex_exchange_identification: Connection closed by remote host\r\n", .deviceOffline), ("", .deviceOffline),
    ] as [(String, Refusal.Code)])
  func whyThereIsNoPort(text: String, code: Refusal.Code) {
    let refusal = ForwardEnd(device: Sample.kitchen, wasListening: false, errorText: text).refusal
    #expect(
      refusal.code == code && !refusal.message.contains("\r")
        && (refusal.hint != nil) == (code != .deviceHostKeyChanged), "\(refusal)")
  }

  @Test func aHostKeyThatIsNotGoodIsToldAsByTheProgramThatComparedIt() {
    let text = "fleet: kitchen-pi shows a host key\r\n  run 'fleet trust'\r\nx\r\nHost key verification failed.\r\n"
    let refusal = ForwardEnd(device: Sample.kitchen, wasListening: false, errorText: text).refusal
    #expect(
      refusal == Refusal(.deviceHostKeyChanged, "kitchen-pi shows a host key", hint: "run 'fleet trust'"))
  }

  @Test func whyAPortIsGone() {
    let end = ForwardEnd(device: Sample.kitchen, wasListening: true, errorText: "Permission denied\nBroken pipe\n")
    #expect(end.refusal(hostA: nil).message == "the connection to kitchen-pi is lost: Broken pipe")
    #expect(end.refusal(hostA: nil).code.exitStatus == .deviceOffline)
    let silent = ForwardEnd(
      device: Sample.kitchen, wasListening: true, errorText: "channel 2: open failed: connect\r\n")
    #expect(silent.refusal.message == "the connection to kitchen-pi is lost")
    let away = end.refusal(hostA: Refusal(.hostUnreachable, "HostA does not answer", hint: "look"))
    #expect(away.code.exitStatus == .hostUnreachable && away.hint == "look")
    #expect(away.message == "the connection to kitchen-pi is lost: HostA does not answer")
  }

  @Test func whatIsNotSaidTwice() {
    #expect(ForwardEnd.isTold(by: "client_loop: send disconnect: Broken pipe"))
    #expect(ForwardEnd.isTold(by: "Timeout, server kitchen-pi not responding."))
    #expect(!ForwardEnd.isTold(by: "channel 2: open failed: connect failed: Connection refused"))
  }

  @Test func waiting() {
    #expect((0...6).map { ForwardRetry.delay(failures: $0).components.seconds } == [1, 2, 4, 8, 15, 15, 15])
    #expect(ForwardRetry.delay(failures: .max) == .seconds(15))
    #expect(ForwardRetry.mayPass(Refusal(.deviceOffline, "")) && ForwardRetry.mayPass(Refusal(.hostUnreachable, "")))
    #expect(!ForwardRetry.mayPass(Refusal(.noSuchDevice, "")) && !ForwardRetry.mayPass(Refusal(.ioFailed, "")))
  }
}
