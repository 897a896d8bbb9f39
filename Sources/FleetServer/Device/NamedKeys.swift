import FleetProtocol

/// Which next keys a device has named lately. Each other one goes into the registry, the key file and the audit, so it may
/// not name them without an end; a box that loses its disk's last writes names a few.
struct NamedKeys: Hashable {
  static let limit = 60
  static let window_s: Int64 = 600

  private var last: PublicKey?
  private var since_s: Int64 = 0
  private var count: Int64 = 0

  init() {}

  /// Takes a key into account; whether the device may name it now.
  mutating func name(_ key: PublicKey, now_s: Int64) -> Bool {
    if key == last { return true }
    if !(0..<Self.window_s).contains(now_s - since_s) { (since_s, count) = (now_s, 0) }
    guard count < Self.limit else { return false }
    (last, count) = (key, count + 1)
    return true
  }
}

extension NamedKeys {
  init(parsing text: [UInt8]) throws(JSONError) {
    let object = try JSONObject(parsingBody: text)
    do { last = try PublicKey(parsing: try object.string("last")) } catch { throw JSONError("'last' is not a key") }
    since_s = try object.integer("since_s", in: 0...1 << 40)
    count = try object.integer("count", in: 0...Int64(Self.limit))
  }

  var text: String {
    JSON.object([
      "v": .integer(1), "last": JSON(last?.description), "since_s": .integer(since_s), "count": .integer(count),
    ]).text + "\n"
  }
}
