import FleetProtocol
import Testing

/// What is said of a device after it was provisioned.
@Suite struct LifecycleMessageTests {
  private let key: PublicKey
  private let port: TCPPort

  init() throws {
    key = try PublicKey(parsing: KeyAndTimeTests.key)
    port = try #require(TCPPort(20007))
  }

  @Test func tagsAreReadAsTheyAreWritten() throws {
    let body = TagBody(set: ["site": "berlin"], remove: ["old", "older"])
    #expect(try TagBody(parsing: body.line.utf8) == body)
    #expect(try TagBody(parsing: #"{"v":1}"#.utf8) == TagBody(set: [:], remove: []))
  }

  @Test(arguments: [
    "{}", #"{"v":1,"set":[]}"#, #"{"v":1,"set":{"a":1}}"#, #"{"v":1,"remove":"old"}"#, #"{"v":1,"remove":[1]}"#,
  ])
  func tagsThatAreNoneAreRefused(_ line: String) {
    #expect(throws: JSONError.self) { try TagBody(parsing: line.utf8) }
  }

  @Test func aRemovalIsReadAsItIsWritten() throws {
    for ended in [true, false] {
      let reply = RemoveReply(port: port, ended: ended)
      #expect(try RemoveReply(reply.fields) == reply)
    }
  }

  @Test func aRotationIsReadAsItIsWritten() throws {
    let body = RotateKeyBody(key: key)
    #expect(try RotateKeyBody(parsing: body.line.utf8) == body)
    for state in [RotateKeyReply.State.pending, .current] {
      #expect(try RotateKeyReply(RotateKeyReply(state: state).fields).state == state)
    }
    #expect(throws: JSONError.self) { try RotateKeyReply(["state": .string("perhaps")]) }
    for line in ["{}", #"{"v":1}"#, #"{"v":1,"key":"ssh-ed25519 AAAA"}"#] {
      #expect(throws: JSONError.self) { try RotateKeyBody(parsing: line.utf8) }
    }
  }

  @Test func aClaimIsToldToRotateOnlyWhereHostASaysSo() throws {
    let reply = ClaimReply(port: port, reconnectWindow_s: 5, tookOver: false, rotateKey: true)
    #expect(try ClaimReply(reply.fields) == reply)
    var old = reply.fields
    old["rotate_key"] = nil
    #expect(try !ClaimReply(old).rotateKey)
  }

  @Test func provisioningSaysWhatBecomesOfTheKey() throws {
    let user = try LoginName(validating: "pi")
    let body = ProvisionBody(
      key: key, user: user, tags: [:], hostKeysFromFirstClaim: true, replacesKey: true, expires_s: 86_400)
    #expect(try ProvisionBody(parsing: body.line.utf8) == body)
    let plain = ProvisionBody(key: key, user: user, tags: [:], hostKeysFromFirstClaim: false)
    #expect(!plain.line.contains("expires_s"))
    for expiry in ["0", "-1", "\(ProvisionBody.longestExpiry_s + 1)", "1.5", #""1""#] {
      let line = body.line.replacing("86400", with: expiry)
      #expect(throws: JSONError.self, "\(expiry)") { try ProvisionBody(parsing: line.utf8) }
    }
  }

  @Test func aDeviceThatExpiresSaysWhen() throws {
    let status = DeviceStatus(
      name: try DeviceName(validating: "kitchen-pi"), id: DeviceID(random: 1), port: port,
      user: try LoginName(validating: "pi"), tags: [:], state: .offline, enrolled: false,
      provisioned: Timestamp(seconds: 1), expires: Timestamp(seconds: 86_401))
    #expect(try DeviceStatus(status.object) == status)
    var old = status.object
    old["expires"] = nil
    #expect(try DeviceStatus(old).expires == nil)
  }

  @Test func aSessionsHeaderSaysWhoRecordedTheHostKeys() throws {
    var header = ConnectHeader(
      name: try DeviceName(validating: "kitchen-pi"), user: try LoginName(validating: "pi"), hostKeys: [key],
      enrolled: Timestamp(seconds: 5), enrolledBy: "anna")
    #expect(try ConnectHeader(header.fields) == header)
    (header.enrolled, header.enrolledBy) = (nil, nil)
    #expect(try ConnectHeader(header.fields) == header)
  }
}
