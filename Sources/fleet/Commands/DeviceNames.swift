import FleetProtocol

/// Several names on one command line.
enum DeviceNames {
  /// Each name once, in the order in which they were given. Throws `name-invalid`.
  static func parse(_ words: [String]) throws(Refusal) -> [DeviceName] {
    var names: [DeviceName] = []
    for word in words {
      let name = try DeviceName(validating: word)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// The names that nobody knows first: HostA refuses them, and says which are near, before anything was done.
  static func unknownFirst(_ names: [DeviceName], known: [DeviceName]) -> [DeviceName] {
    names.filter { !known.contains($0) } + names.filter(known.contains)
  }
}
