import FleetProtocol

/// What a dry run shows: which files, commands and changes there would be, in sections.
struct PlannedChanges {
  struct File {
    let path: String
    /// As chmod(1) takes it.
    let mode: String
    /// `nil` for what is made later, from a key or HostA's answer.
    let bytes: Int?
  }

  private(set) var text = ""

  mutating func add(_ title: String, files: [File]) {
    let width = files.map { DisplayWidth.of(DisplayText.escaped($0.path)) }.max() ?? 0
    add(
      title,
      lines: files.map { file in
        let size = file.bytes.map { DeviceDetails.bytes(Int64($0)) } ?? "made then"
        return DisplayWidth.padded(DisplayText.escaped(file.path), to: width) + "  \(file.mode)  \(size)"
      })
  }

  mutating func add(_ title: String, lines: [String]) {
    guard !lines.isEmpty else { return }
    text += title + "\n" + lines.map { "  \($0)\n" }.joined()
  }

  /// What HostA would record for a device. `present` is the port that the name has already.
  static func onHostA(
    _ request: LeaseRequest, _ device: DeviceName, present: TCPPort?, user: LoginName, tags: [String: String],
    hostKeys: Int?
  ) -> [String] {
    let lease =
      switch (request, present) {
      case (.replace, let port?): "give \(device) with its port \(port) to the new key, and refuse the old one"
      case (_, let port?): "keep port \(port) leased to \(device), if the same key asks"
      case (_, nil): "lease the lowest free port to \(device)"
      }
    let marks = tags.sorted { $0.key < $1.key }.map { "\($0.key)=\(DisplayText.escaped($0.value))" }
    return [
      lease, "log in as \(user)", marks.isEmpty ? "no tags" : "tags \(marks.joined(separator: ", "))",
      hostKeys.map { "pin \($0) host keys" } ?? "pin the host keys of the first contact",
    ]
  }
}
