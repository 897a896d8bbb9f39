import FleetProtocol
import Foundation

@testable import FleetServer

/// A HostA whose registry holds some of everything, with its settings and a key file, for tests that damage it.
struct FullRegistry {
  static let range = PortRange(parsing: "20000-29999")
  let home: Home
  let keyFile: KeyFile

  init(in folder: TemporaryFolder, devices: Int = 40) throws {
    home = try folder.home()
    let account = try Account.current()
    let settings = HostSettings(
      address: "hosta.example", listen: ListenAddress(address: .loopback, port: try TCPPort(2222).unwrapped),
      ports: try Self.range.unwrapped, sshdMode: .private, account: account.name)
    try settings.write(home)
    keyFile = try KeyFile(home: home, settings: settings, account: account, executable: "/abs/fleet-server")
    let registry = try Registry.create(home)
    for number in 1...3 {
      _ = try registry.addOperator(
        try OperatorName(validating: "operator-\(number)"), key: try sampleKey(900 + number),
        role: OperatorRole.allCases[number % 3], by: .host, now_s: 1)
    }
    let enrollKey = EnrollKeyID(random: 7)
    _ = try registry.createEnrollKey(
      EnrollKeyBody(
        key: try sampleKey(950), pattern: try NamePattern(validating: "kiosk-{serial}"),
        user: try LoginName(validating: "pi"), tags: ["site": "berlin"], uses: 100, expires_s: 1 << 40,
        autoApprove: false), id: enrollKey, by: .host, now_s: 1)
    for number in 1...5 {
      _ = try registry.join(
        JoinBody(key: try sampleKey(960 + number), facts: ["serial": "\(number)"], hostKeys: [try sampleKey(1)]),
        with: enrollKey, device: DeviceID(random: 960 + UInt64(number)), range: try Self.range.unwrapped,
        portsInUse: { [] }, from: "192.0.2.7", now_s: 2)
    }
    for number in 1...devices { try Self.provision(number, registry) }
    try keyFile.update(from: registry)
    try registry.close()
  }

  /// Some device, with host keys, tags, a past, and for some of them a key on its way.
  static func provision(_ number: Int, _ registry: Registry) throws {
    let name = try DeviceName(validating: "box-\(number)")
    let body = ProvisionBody(
      key: try sampleKey(number), user: try LoginName(validating: "pi"), tags: ["row": "\(number)", "site": "bonn"],
      hostKeysFromFirstClaim: false)
    let lease = try registry.provision(
      name, body: body, id: DeviceID(random: UInt64(number)), range: try range.unwrapped, portsInUse: [], by: .host,
      now_s: Int64(number))
    _ = try registry.enroll(name, hostKeys: [try sampleKey(2000 + number)], by: .host, now_s: Int64(number))
    try registry.record([PresenceTransition(device: lease.device, isOnline: true, at_s: Int64(number))])
    if number % 4 == 0 {
      _ = try registry.rotateKey(
        of: lease.device, to: try sampleKey(3000 + number), standing: .current, from: nil, now_s: 3)
    }
  }

  /// Everything that anybody is told of a registry.
  struct Reading: Hashable {
    var devices: [RegistryDevice]
    var listed: [ListedDevice]
    var watched: [WatchedDevice]
    var keys: [KeyFileText.Device]
    var operators: [Registry.Operator]
    var enrollKeys: [RegistryEnrollKey]
    var waiting: [String]
    var log: [String]
    var online: Set<DeviceID>

    init(_ registry: Registry) throws {
      devices = try registry.devices()
      listed = try registry.listedDevices()
      watched = try registry.watchedDevices()
      keys = try registry.read { try Registry.keyFileEntries(now_s: 0, $0).devices }
      operators = try registry.operators()
      enrollKeys = try registry.enrollKeys()
      waiting = try registry.waitingBoxes().map { "\($0)" }
      log = try registry.log(LogBody(device: nil, since: nil, limit: 10_000), for: .everything).entries.map {
        JSON.object($0.object).text
      }
      online = try registry.devicesRecordedOnline()
    }
  }

  /// The files of the registry, to be put back.
  func files() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for suffix in ["", "-wal"] { files[suffix] = try FileReading.bytes(of: home.registry + suffix) }
    return files
  }

  func put(_ files: [String: [UInt8]]) throws {
    RegistryReplacement.remove(home.registry)
    for (suffix, content) in files { try FileReplacement.write(content, to: home.registry + suffix, durable: false) }
  }
}

extension Optional {
  var unwrapped: Wrapped {
    get throws {
      guard let self else { throw NothingThere() }
      return self
    }
  }
}

private struct NothingThere: Error {}

/// The same numbers in each run.
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// What happens to a file.
enum FileMutation {
  static let pageSize = 4096

  /// Damages `file` in one of the ways that disks, cables and people do; what was done. `earlier` is the same file as it
  /// was before, of which a page may be written back in part.
  static func apply(to file: inout [UInt8], earlier: [UInt8], with numbers: inout SeededNumbers) -> String {
    let count = file.count
    let place = Int.random(in: 0..<count, using: &numbers)
    let page = place / pageSize * pageSize
    let other = Int.random(in: 0..<(count / pageSize), using: &numbers) * pageSize
    let pages = (page..<min(page + pageSize, count), other..<min(other + pageSize, count))
    switch Int.random(in: 0..<9, using: &numbers) {
    case 0, 1:
      file[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      return "a bit at \(place)"
    case 2:
      file[place] = UInt8.random(in: .min ... .max, using: &numbers)
      return "the byte at \(place)"
    case 3:
      let end = min(count, place + Int.random(in: 1...2 * pageSize, using: &numbers))
      for index in place..<end { file[index] = 0 }
      return "zeroes from \(place) to \(end)"
    case 4:
      let end = min(count, place + Int.random(in: 1...600, using: &numbers))
      for index in place..<end { file[index] = UInt8.random(in: .min ... .max, using: &numbers) }
      return "noise from \(place) to \(end)"
    case 5:
      let half = page + Int.random(in: 1..<8, using: &numbers) * 512
      guard half < min(count, earlier.count) else { return "nothing" }
      file.replaceSubrange(page..<half, with: earlier[page..<half])
      return "the page at \(page) as it was earlier, up to \(half)"
    case 6:
      file.removeSubrange(place...)
      return "the end from \(place) on"
    case 7 where pages.0.count == pages.1.count:
      let first = Array(file[pages.0])
      file.replaceSubrange(pages.0, with: Array(file[pages.1]))
      file.replaceSubrange(pages.1, with: first)
      return "the pages at \(page) and \(other), swapped"
    default:
      guard pages.0.count == pages.1.count else { return "nothing" }
      file.replaceSubrange(pages.0, with: Array(file[pages.1]))
      return "the page at \(page), by the one at \(other)"
    }
  }
}
