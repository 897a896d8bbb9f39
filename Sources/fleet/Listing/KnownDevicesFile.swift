import FleetProtocol

/// The file in which the last whole answer to `list` is kept: a header, then a line for each device, its name before
/// what HostA said of it. When it was changed is when HostA said so last.
enum KnownDevicesFile {
  /// No header has more bytes.
  static let longestHeader = 512

  /// What is known of the list without reading it.
  struct Header: Hashable {
    let count: Int64
    /// The same for two lists that differ in nothing but what changes with every look.
    let digest: String
    /// How many seconds HostA's clock is ahead of the laptop's.
    let hostAhead_s: Int64

    init(_ devices: [DeviceStatus], hostAhead_s: Int64) {
      count = Int64(devices.count)
      digest = KnownDevicesFile.digest(devices)
      self.hostAhead_s = hostAhead_s
    }

    /// Parses the first line of what begins with it; `nil` for anything else.
    init?(parsing content: [UInt8]) {
      guard let line = content.prefix(longestHeader).split(separator: newline, maxSplits: 1).first,
        let object = try? JSONObject(parsingBody: line), let count = try? object.integer("count", in: 0...1_000_000),
        let digest = try? object.string("digest", limit: 16),
        let ahead_s = try? object.integer("host_ahead_s", in: -1 << 40...1 << 40)
      else { return nil }
      self.count = count
      self.digest = digest
      hostAhead_s = ahead_s
    }

    var line: String {
      JSON.object([
        "v": .integer(Reply.version), "count": .integer(count), "digest": .string(digest),
        "host_ahead_s": .integer(hostAhead_s),
      ]).text
    }

    /// Whether the list with this header says what the other one does.
    func says(_ other: Header) -> Bool {
      count == other.count && digest == other.digest && abs(hostAhead_s - other.hostAhead_s) <= 2
    }

    /// What HostA's clock showed when the laptop's showed `time`.
    func hostTime(of time: Timestamp) -> Timestamp { Timestamp(seconds: time.seconds + hostAhead_s) }
  }

  private static let newline = UInt8(ascii: "\n")
  private static let space = UInt8(ascii: " ")

  /// The whole file. `lines` are the devices as HostA wrote them.
  static func content(_ header: Header, devices: [DeviceStatus], lines: [ArraySlice<UInt8>]) -> [UInt8] {
    var content = Array(header.line.utf8) + [newline]
    content.reserveCapacity(lines.reduce(content.count) { $0 + $1.count + 66 })
    for (device, line) in zip(devices, lines) {
      content += device.name.rawValue.utf8
      content.append(space)
      content += line
      content.append(newline)
    }
    return content
  }

  /// The names in the file that begin with a word; what is none is passed over.
  static func names(in content: [UInt8], prefix: String = "") -> [DeviceName] {
    let prefix = Array(prefix.utf8)
    var names: [DeviceName] = []
    forEachLine(of: content) { line in
      guard line.starts(with: prefix) else { return }
      let word = line.prefix(64).prefix { $0 != space }
      if let name = try? DeviceName(validating: String(decoding: word, as: UTF8.self)) { names.append(name) }
    }
    return names
  }

  /// The tags of each device, without a look at the rest of what is said of it.
  static func tags(in content: [UInt8]) -> [(name: String, tags: [String: String])] {
    let mark = Array("\"tags\":{".utf8)
    var found: [(name: String, tags: [String: String])] = []
    forEachLine(of: content) { line in
      // A quote within a text is escaped, so these bytes begin the member and nothing else.
      guard let start = start(of: mark, in: line), let end = line[start...].firstIndex(of: UInt8(ascii: "}")) else {
        return
      }
      let name = String(decoding: line.prefix { $0 != space }, as: UTF8.self)
      let text = line[(start + mark.count - 1)...end]
      if let object = try? JSON(parsing: text), case .object(let tags) = object {
        found.append(
          (name, tags.members.reduce(into: [:]) { if case .string(let value) = $1.value { $0[$1.name] = value } }))
      } else if case .object(let device)? = try? JSON(parsing: line.drop { $0 != space }) {
        // A value with a brace in it.
        let tags = (try? device.stringMap("tags", count: Limits.tags, limit: Limits.text)) ?? [:]
        found.append((name, tags))
      }
    }
    return found
  }

  private static func start(of mark: [UInt8], in line: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    var rest = line
    while let quote = rest.firstIndex(of: mark[0]) {
      rest = rest[quote...]
      if rest.starts(with: mark) { return quote }
      rest = rest.dropFirst()
    }
    return nil
  }

  /// The lines behind the header; a list of 10,000 devices has some megabytes.
  private static func forEachLine(of content: [UInt8], _ body: (Slice<UnsafeBufferPointer<UInt8>>) -> Void) {
    content.withUnsafeBufferPointer { bytes in
      var rest = bytes[...]
      var isHeader = true
      while !rest.isEmpty {
        let end = rest.firstIndex(of: newline) ?? rest.endIndex
        if !isHeader { body(rest[..<end]) }
        isHeader = false
        rest = end == rest.endIndex ? rest[end...] : rest[(end + 1)...]
      }
    }
  }

  /// The devices as they were at `asOf`; `nil` unless all are there.
  static func devices(in content: [UInt8], header: Header, asOf: Timestamp) -> [DeviceStatus]? {
    let lines = content.split(separator: newline).dropFirst()
    guard lines.count == header.count else { return nil }
    var devices: [DeviceStatus] = []
    devices.reserveCapacity(lines.count)
    for line in lines {
      guard case .object(let object)? = try? JSON(parsing: line.drop { $0 != space }),
        var device = try? DeviceStatus(object)
      else { return nil }
      // Nothing is known of a tunnel now; while it stood, something came from it until the list was asked for.
      (device.rtt_ms, device.bytesReceived, device.bytesSent) = (nil, nil, nil)
      if device.state == .online { device.lastSeen = asOf }
      devices.append(device)
    }
    return devices
  }

  /// FNV-1a over everything but latencies, byte counts, and when something last came through a tunnel that stands.
  private static func digest(_ devices: [DeviceStatus]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ text: String?) {
      for byte in (text ?? "\u{1}").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01b3
    }
    func add(_ map: [String: String]) {
      for (key, value) in map.sorted(by: { $0.key < $1.key }) {
        add(key)
        add(value)
      }
      add("")
    }
    func add(_ time: Timestamp?) { add(time?.description) }
    for device in devices {
      let texts = [
        device.name.rawValue, device.id.rawValue, device.port.description, device.user.rawValue, device.state.rawValue,
        device.note, device.remoteAddress, device.agentVersion, device.enrolled ? "1" : "0",
      ]
      for text in texts { add(text) }
      add(device.tags)
      add(device.facts)
      add(device.provisioned)
      add(device.expires)
      add(device.state == .online ? nil : device.lastSeen)
    }
    return String(hash, radix: 16)
  }
}
