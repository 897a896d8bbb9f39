import FleetProtocol
import Foundation
import Testing

@testable import fleet

/// What is kept of HostA's last list.
@Suite struct KnownDevicesTests {
  private func lines(_ devices: [DeviceStatus]) -> [ArraySlice<UInt8>] {
    devices.map { Array(JSON.object($0.object).text.utf8)[...] }
  }

  private func keep(_ devices: [DeviceStatus], _ paths: FleetPaths, ahead_s: Int64 = 0) {
    let now = Timestamp(seconds: LaptopEnvironment.now.seconds + ahead_s)
    KnownDevices.keep(devices, lines: lines(devices), now: now, host: Sample.host, paths: paths)
  }

  @Test func whatWasKeptIsReadAgain() throws {
    try Scratch.with { folder in
      let paths = FleetPaths(home: folder, xdgConfigHome: nil, xdgStateHome: nil)
      #expect(KnownDevices.read(host: Sample.host, paths: paths) == nil)
      #expect(KnownDevices.names(host: Sample.host, paths: paths).isEmpty)
      let offline = Sample.device("attic", state: .offline, tags: ["a": "ü b"])
      keep([Sample.device(), offline], paths, ahead_s: 3600)
      let known = try #require(KnownDevices.read(host: Sample.host, paths: paths))
      #expect(KnownDevices.names(host: Sample.host, paths: paths).map(\.rawValue) == ["kitchen-pi", "attic"])
      #expect(known.devices[0].state == .online && known.devices[0].rtt_ms == nil)
      #expect(known.devices[0].lastSeen == known.asOf, "while it was online, something came from it")
      #expect(known.devices[1].tags == offline.tags && known.devices[1].lastSeen == offline.lastSeen)
      #expect(abs(known.asOf.seconds - LaptopEnvironment.now.seconds - 3600) < 60, "by HostA's clock")
      #expect(known.now.seconds - known.asOf.seconds < 60)
      let file = paths.knownDevices(host: Sample.host.name)
      let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
      #expect(mode == 0o600)

      var other = Sample.host
      other.name = "elsewhere"
      #expect(KnownDevices.read(host: other, paths: paths) == nil)
    }
  }

  @Test func namesAndTagsAreFoundWithoutTheRest() throws {
    let devices = [
      Sample.device("attic", note: #"a note with "tags":{"x":"y"} in it"#, tags: ["a": "}", "b": "\"}{"]),
      Sample.device("kitchen-pi", tags: ["site": "berlin"], facts: ["os": #""tags":{"x":"y"}"#]), Sample.device("kit"),
    ]
    let content = KnownDevicesFile.content(
      KnownDevicesFile.Header(devices, hostAhead_s: 0), devices: devices, lines: lines(devices))
    #expect(KnownDevicesFile.names(in: content, prefix: "kit").map(\.rawValue) == ["kitchen-pi", "kit"])
    #expect(KnownDevicesFile.names(in: content, prefix: "v").isEmpty, "the header is no device")
    let tags = KnownDevicesFile.tags(in: content)
    #expect(tags.map(\.name) == ["attic", "kitchen-pi", "kit"])
    #expect(tags.map(\.tags) == devices.map(\.tags))
    #expect(KnownDevicesFile.tags(in: Array("garbage\nmore\n\"tags\":{".utf8)).isEmpty)
  }

  @Test func aListThatSaysNothingNewIsOnlyMadeYoungAgain() throws {
    try Scratch.with { folder in
      let paths = FleetPaths(home: folder, xdgConfigHome: nil, xdgStateHome: nil)
      let file = paths.knownDevices(host: Sample.host.name)
      func inode() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int
      }
      keep([Sample.device(rtt_ms: 1)], paths)
      let first = try inode()
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: file)
      keep([Sample.device(lastSeen_s: 1, rtt_ms: 2)], paths)
      #expect(try inode() == first)
      #expect(abs(FileStore.changeTime(of: file)!.seconds - LaptopEnvironment.now.seconds) < 60)
      for changed in [
        Sample.device(state: .stale), Sample.device(note: "x"), Sample.device(tags: ["a": "b"]),
        Sample.device(facts: ["a": "b"]), Sample.device("attic"),
      ] {
        let before = try FileStore.content(of: file)
        keep([changed], paths)
        #expect(try FileStore.content(of: file) != before, "\(changed)")
      }
    }
  }

  @Test func whatIsNotWholeIsNotBelieved() throws {
    try Scratch.with { folder in
      let paths = FleetPaths(home: folder, xdgConfigHome: nil, xdgStateHome: nil)
      let file = paths.knownDevices(host: Sample.host.name)
      keep([Sample.device(), Sample.device("attic")], paths)
      let whole = try #require(try FileStore.content(of: file))
      for count in [0, 1, 40, whole.count / 2, whole.count - 3] {
        try FileStore.replace(file, with: whole.prefix(count))
        #expect(KnownDevices.read(host: Sample.host, paths: paths) == nil, "\(count)")
      }
      try FileStore.replace(file, with: "\u{0}\n\u{7}x y\nhall {}\n".utf8)
      #expect(KnownDevices.read(host: Sample.host, paths: paths) == nil)
      #expect(KnownDevices.names(host: Sample.host, paths: paths).map(\.rawValue) == ["hall"])
    }
  }
}
