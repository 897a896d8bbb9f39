import FleetProtocol
import Testing

@testable import FleetAgent

@Suite struct EnrollmentMachineTests {
  private static let name = try! DeviceName(validating: "kiosk-7")

  private final class Driver {
    var machine = EnrollmentMachine(endpoints: ["a port 22", "b port 443"])
    var random = SeededGenerator(seed: 1)
    var now = Monotonic.now

    @discardableResult func handle(_ event: EnrollmentMachine.Event) -> [EnrollmentMachine.Action] {
      machine.handle(event, at: now, using: &random)
    }

    /// Lets time pass until something is due. Returns how long that was.
    func passToDeadline() throws -> Duration {
      let due = try #require(machine.deadline)
      defer { now = due }
      return now.duration(to: due)
    }

    func startDial() {
      handle(.start)
      handle(.hostKeys(areKnown: true))
    }

    @discardableResult func refuse(_ code: Refusal.Code) -> [EnrollmentMachine.Action] {
      handle(.answered(.success(.refused(Refusal(code, "because")))))
    }
  }

  private func isDial(_ actions: [EnrollmentMachine.Action], to endpoint: Int) -> Bool {
    if case .dial(endpoint, _)? = actions.first { actions.count == 1 } else { false }
  }

  @Test func waitsForApprovalAndAsksAgainWhenItIsTime() throws {
    let driver = Driver()
    #expect(driver.handle(.start) == [.lookForHostKeys])
    #expect(isDial(driver.handle(.hostKeys(areKnown: true)), to: 0))
    let pending = Reply.ok(JoinReply.pending(name: Self.name, retry_s: 30).fields)
    #expect(driver.handle(.answered(.success(pending))) == [])
    #expect(driver.machine.state.topic == "waits for approval as kiosk-7" && driver.machine.state.name == "pending")
    #expect(driver.handle(.networkChanged) == [], "HostA was reached")
    let pause = try driver.passToDeadline()
    #expect(pause >= .seconds(30) && pause <= .seconds(38))
    #expect(driver.handle(.timePassed) == [.lookForHostKeys])
    driver.handle(.hostKeys(areKnown: true))

    let key = try PublicKey(parsing: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyT1n8Ft1Kb3E6Sbex5sB4uKq6dooJq6eDMJjdDiszX")
    let host = HostAddress(
      account: try LoginName(validating: "fleet"),
      endpoints: [HostAddress.Endpoint(address: "hosta.example", port: TCPPort(2222)!)], hostKeys: [key])
    let id = DeviceID(random: 7)
    let approved = JoinReply.approved(device: id, name: Self.name, port: TCPPort(20007)!, host: host)
    let device = EnrollmentMachine.Device(id: id, name: Self.name, port: TCPPort(20007)!, host: host)
    #expect(driver.handle(.answered(.success(.ok(approved.fields)))) == [.become(device)])
    // A disk that is full is not asked about every second.
    #expect(driver.handle(.notWritten("no space")) == [])
    #expect(driver.machine.state.sentence(now: driver.now).contains("cannot be written down: no space"))
    #expect(try driver.passToDeadline() >= .seconds(120))
    #expect(driver.handle(.timePassed) == [.lookForHostKeys])
  }

  @Test func waitsForTheBoxesOwnSSHDButNotForEver() throws {
    let driver = Driver()
    driver.handle(.start)
    var waited = Duration.zero
    while driver.handle(.hostKeys(areKnown: false)) == [] {
      waited += try driver.passToDeadline()
      #expect(driver.handle(.timePassed) == [.lookForHostKeys])
    }
    #expect(waited == .seconds(120))
    if case .asking = driver.machine.state {} else { Issue.record("\(driver.machine.state)") }
  }

  @Test(arguments: [Refusal.Code.enrollmentRejected, .enrollKeyExpired, .enrollKeyUsedUp, .keyTaken])
  func asksSeldomWhenOnlyAPersonCanHelp(code: Refusal.Code) throws {
    let driver = Driver()
    driver.startDial()
    driver.refuse(code)
    #expect(driver.machine.state.sentence(now: driver.now).contains("HostA does not let this box join: because"))
    #expect(driver.handle(.networkChanged) == [])
    let pause = try driver.passToDeadline()
    #expect(pause >= .seconds(3000) && pause <= .seconds(4200))
    #expect(driver.handle(.timePassed) == [.lookForHostKeys])
  }

  @Test func aKeyThatHostADoesNotKnowIsShownSeldom() throws {
    let driver = Driver()
    driver.startDial()
    #expect(driver.handle(.answered(.failure(.keyRefused))) == [], "not at the other endpoint either")
    #expect(driver.machine.state.topic == "HostA does not accept the enroll key: it has expired, or was removed")
    #expect(try driver.passToDeadline() >= .seconds(3000))
  }

  @Test func triesTheOtherEndpointAndThenBacksOff() throws {
    let driver = Driver()
    driver.startDial()
    #expect(isDial(driver.handle(.answered(.failure(.unreachable("refused")))), to: 1))
    #expect(driver.handle(.answered(.failure(.unreachable("refused")))) == [])
    #expect(driver.handle(.networkChanged) == [.lookForHostKeys], "another network may lead there")
    driver.handle(.hostKeys(areKnown: true))
    // What answers is another machine, or hangs.
    #expect(isDial(driver.handle(.answered(.failure(.hostKeyChanged))), to: 1))
    #expect(try driver.passToDeadline() == EnrollmentMachine.dialLimit)
    #expect(driver.handle(.timePassed) == [.close])
    #expect(driver.machine.state.topic.contains("no answer within 60 s"))
    #expect(try driver.passToDeadline() <= .seconds(1))
    driver.handle(.timePassed)
    driver.handle(.hostKeys(areKnown: true))
    driver.refuse(.registryBusy)
    #expect(try driver.passToDeadline() <= .seconds(10))
  }

  @Test func stopEndsItInEveryState() {
    let driver = Driver()
    driver.handle(.start)
    driver.handle(.hostKeys(areKnown: true))
    #expect(driver.handle(.stop) == [.close, .finish])
    #expect(driver.handle(.timePassed) == [] && driver.handle(.start) == [] && driver.machine.deadline == nil)
    #expect(Driver().handle(.stop) == [.finish])
  }

  @Test func nonsenseIsNotHammered() throws {
    let driver = Driver()
    driver.startDial()
    driver.handle(.answered(.success(.ok(["state": .string("maybe"), "name": .string("kiosk-7")]))))
    #expect(driver.machine.state.topic.contains("not understood"))
    #expect(try driver.passToDeadline() >= .seconds(120))
  }

  @Test func theReportSurvivesTheWireAndIsShown() throws {
    let report = EnrollmentReport(
      state: "pending", sentence: "waits for approval as kiosk-7, asks again in 30 s", name: "kiosk-7",
      key: "ssh-ed25519 AAAA", agentVersion: "0.1.0", pid: 12)
    #expect(try EnrollmentReport(parsing: Array(report.line.utf8)) == report)
    #expect(
      report.text == """
        device      none yet: this box asks to join
        state       waits for approval as kiosk-7, asks again in 30 s
        key         ssh-ed25519 AAAA
        agent       fleet-agent 0.1.0, process 12

        """)
  }
}
