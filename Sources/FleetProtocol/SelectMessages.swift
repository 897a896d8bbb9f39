/// The body of `select`: which devices are asked for.
public struct SelectBody: Hashable, Sendable {
  public var selector: DeviceSelector

  public init(selector: DeviceSelector) { self.selector = selector }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    let texts = try object.strings("select", count: DeviceSelector.mostWords, limit: DeviceSelector.longestWord)
    do { selector = try DeviceSelector(texts) } catch { throw JSONError(error.message) }
  }

  public var line: String {
    JSON.object(["v": .integer(Reply.version), "select": JSON(selector.texts)]).text
  }
}
