import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct BundleArchiveTests {
  private static let longName = String(repeating: "n", count: 63)

  /// What the system's own tar makes of it, with the longest name that a device can have.
  @Test func tarReadsTheArchive() throws {
    try Scratch.with { folder in
      let files: [String: [UInt8]] = [
        "agent.json": Array("{}\n".utf8), "install.sh": Array("#!/bin/sh\n".utf8), "empty": [],
        String(repeating: "f", count: 60): [UInt8](repeating: 7, count: 1025),
      ]
      let bundle = DeviceBundle(folderName: "fleet-agent-\(Self.longName)", files: files)
      let outcome = try Subprocess.run(
        ["tar", "-xf", "-", "-C", folder], input: .bytes(bundle.archive(modified_s: 1_700_000_000)))
      #expect(outcome.status == 0 && outcome.errorText.isEmpty, "\(outcome.errorText)")
      let inner = "\(folder)/\(bundle.folderName)"
      for (name, bytes) in files { #expect(try FileStore.content(of: "\(inner)/\(name)") == bytes) }
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(inner)/install.sh")
      #expect(attributes[.posixPermissions] as? Int == 0o755)
      #expect(attributes[.modificationDate] as? Date == Date(timeIntervalSince1970: 1_700_000_000))
      let secret = try FileManager.default.attributesOfItem(atPath: "\(inner)/agent.json")
      #expect(secret[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test(arguments: [0, 1, 65_535, 65_536, 200_000])
  func gzipReadsStoredParts(_ count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let outcome = try Subprocess.run(["gzip", "-dc"], input: .bytes(GzipMember.stored(bytes) + GzipMember.stored([1])))
    #expect(outcome.status == 0 && outcome.output == bytes + [1])
  }

  @Test func theChecksumIsTheWellKnownOne() { #expect(GzipMember.checksum(Array("123456789".utf8)) == 0xCBF4_3926) }

  /// The agent is compressed once, and still every archive is whole.
  @Test(arguments: [["tar", "-xzf"], ["busybox", "tar", "-xzf"]])
  func everyArchiveOfASeriesIsWhole(_ tar: [String]) throws {
    try Scratch.with { folder in
      let agent = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) }
      try FileStore.replace("\(folder)/agent", with: agent)
      let series = try BundleSeries(
        agent: "\(folder)/agent", files: DeviceFiles(folder: Checkout.deviceFiles), modified_s: 1_700_000_000)
      for name in ["kitchen-pi", Self.longName] {
        let configuration = AgentConfiguration(
          device: DeviceID("0f3a5c7e9b1d2f40")!, name: try DeviceName(validating: name), port: TCPPort(20007)!,
          host: HostAddress(account: Sample.pi, endpoints: [], hostKeys: [Sample.hostKey]), keyFile: "id_ed25519",
          sshdPort: TCPPort(22)!, reportHostKeys: true)
        let path = "\(folder)/\(name).tar.gz"
        try series.write(configuration, key: Array("secret".utf8), temporary: "\(folder)/new", to: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600 && !FileStore.exists("\(folder)/new"))
        guard let outcome = try? Subprocess.run(tar + [path, "-C", folder]) else { continue }
        #expect(outcome.status == 0, "\(outcome.errorText)")
        let inner = "\(folder)/fleet-agent-\(name)"
        #expect(try FileStore.content(of: "\(inner)/fleet-agent") == agent)
        #expect(try FileStore.content(of: "\(inner)/agent.json") == Array(configuration.text.utf8))
        #expect(FileStore.names(in: inner).count == DeviceFiles.names.count + 3)
      }
    }
  }

  @Test func keysAreMadeManyAtATimeAndOnce() throws {
    try Scratch.with { folder in
      let keys = (0..<12).map { DeviceKey(path: "\(folder)/key-\($0)") }
      // What a run that was killed in the middle of ssh-keygen leaves.
      try FileStore.replace(keys[3].path, with: "half".utf8)
      try FileStore.replace("\(keys[4].path).pub", with: "ssh-ed25519 AAAA".utf8)
      try DeviceKey.make(keys)
      let made = keys.map(\.publicKey)
      #expect(Set(made).count == 12 && !made.contains(nil))
      try DeviceKey.make(keys)
      #expect(keys.map(\.publicKey) == made)
      let copy = DeviceKey(path: "\(folder)/copy")
      #expect(try copy.adopt(try keys[0].content()) == made[0])
      #expect(throws: Refusal.self) { try copy.adopt(Array("no key".utf8)) }
      #expect(throws: Refusal.self) { try DeviceKey.make([DeviceKey(path: "\(folder)/nowhere/key")]) }
    }
  }
}
