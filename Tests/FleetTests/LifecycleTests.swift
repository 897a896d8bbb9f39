import FleetProtocol
import Testing

@testable import fleet

/// What the commands of a device's later life make of their arguments, and how they show what waits.
@Suite struct LifecycleTests {
  private let plain = TerminalStyle(hasColor: false)

  private func box(_ name: String, facts: [String: String] = [:], address: String? = nil) -> PendingBox {
    PendingBox(
      name: try! DeviceName(validating: name), key: Sample.hostKey, facts: facts, hostKeys: [], remoteAddress: address,
      asked: Timestamp(seconds: Sample.now.seconds - 90), enrollKey: try! EnrollKeyID(validating: "5f0c2a91"))
  }

  @Test func tagsAreSpelledAsWithKubectl() throws {
    let change = try TagChange(parsing: ["site=berlin", "old-", "empty=", "sum=1+1=2", "minus=x-", "a.b-c_d=1"])
    #expect(change.set == ["site": "berlin", "empty": "", "sum": "1+1=2", "minus": "x-", "a.b-c_d": "1"])
    #expect(change.remove == ["old"])
    #expect(try TagChange(parsing: []).set.isEmpty)
  }

  @Test(arguments: [
    ["site"], ["="], ["-"], ["=x"], [""], ["a=1", "a=2"], ["a-", "a-"], ["a=1", "a-"], ["a-", "a=1"],
  ])
  func whatIsNoTagIsRefused(words: [String]) {
    let refusal = #expect(throws: Refusal.self) { try TagChange(parsing: words) }
    #expect(refusal?.code == .usage)
  }

  @Test func aDeviceThatIsNewHasNoTagToRemove() throws {
    #expect(try TagChange.settings(parsing: ["a=1", "b=2"]) == ["a": "1", "b": "2"])
    let refusal = #expect(throws: Refusal.self) { try TagChange.settings(parsing: ["a=1", "b-"]) }
    #expect(refusal?.code == .usage)
  }

  @Test func namesCountOnceAndTheUnknownComeFirst() throws {
    let names = try DeviceNames.parse(["b", "a", "b", "c"])
    #expect(names.map(\.rawValue) == ["b", "a", "c"])
    #expect(DeviceNames.unknownFirst(names, known: [names[0], names[2]]).map(\.rawValue) == ["a", "b", "c"])
    let refusal = #expect(throws: Refusal.self) { try DeviceNames.parse(["a", "../b"]) }
    #expect(refusal?.code == .nameInvalid)
  }

  @Test func whoWaitsIsShownWithFingerprintAndMachine() {
    let boxes = [
      box("kiosk-1", facts: ["serial": "10000000abcd", "hostname": "ki\u{1B}[2Josk"], address: "203.0.113.9"),
      box("kiosk-20"),
    ]
    let key = KeyFingerprint.of(Sample.hostKey)
    let space = String(repeating: " ", count: key.count - 3)
    #expect(
      PendingTable.text(boxes, now: Sample.now, style: plain) == """
        NAME      KEY\(space)  SINCE      ADDRESS      ENROLL KEY  MACHINE
        kiosk-1   \(key)  1 min ago  203.0.113.9  5f0c2a91    hostname=ki\\u{1b}[2Josk, serial=10000000abcd
        kiosk-20  \(key)  1 min ago  -            5f0c2a91    -

        """)
  }

  @Test func whoWaitsAsJSON() throws {
    guard case .object(let object) = try JSON(parsing: PendingTable.json([box("kiosk-1")]).utf8.dropLast()),
      case .array(let boxes)? = object["pending"], case .object(let first)? = boxes.first
    else { throw JSONError("no boxes") }
    #expect(object["v"] == .integer(1) && first["fingerprint"] == .string(KeyFingerprint.of(Sample.hostKey)))
    #expect(try PendingBox(first) == box("kiosk-1"))
    #expect(PendingTable.json([]) == "{\"v\":1,\"pending\":[]}\n")
  }

  @Test func howManyWait() {
    #expect(PendingTable.remark(waiting: 0) == nil)
    #expect(PendingTable.remark(waiting: 1) == "1 box waits for approval; fleet list --pending")
    #expect(PendingTable.remark(waiting: 12) == "12 boxes wait for approval; fleet list --pending")
  }

  @Test func anExpiryIsShownWhereThereIsOne() {
    var device = Sample.device(state: .offline, lastSeen_s: nil)
    func details() -> String {
      DeviceDetails.text(ShowReply(device: device, outages: []), now: Sample.now, style: plain)
    }
    #expect(!details().contains("expires"))
    device.expires = Timestamp(seconds: Sample.now.seconds + 2 * 86_400 + 3600)
    #expect(details().contains("in 2 d 1 h (2026-01-04T04:04:25Z), unless it is seen before"))
    device.expires = Timestamp(seconds: Sample.now.seconds - 5)
    #expect(details().contains("in 0 s ("))
  }

  @Test func aLeaseIsToldByWhatWasAsked() {
    func lease(_ created: Bool) -> ProvisionReply {
      ProvisionReply(
        device: DeviceID(random: 1), port: TCPPort(20007)!, created: created,
        host: HostAddress(account: Sample.host.account, endpoints: [], hostKeys: []))
    }
    #expect(LeaseRequest.provision.remark(lease(true)).isEmpty)
    #expect(LeaseRequest.replace.remark(lease(true)).contains("old box's key is refused"))
    for request in [LeaseRequest.provision, .replace] { #expect(request.remark(lease(false)) == ", as before") }
  }
}
