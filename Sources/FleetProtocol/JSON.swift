/// A JSON value, as this protocol uses it: whole numbers, and objects that keep the order of their members.
///
/// It stands here instead of a library's because the agent and the `claim` request link no Foundation: that
/// would more than double the agent's size, and each login of a mass reconnect would pay for it.
public enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

/// A JSON object. Names are unique; members are written in the order in which they were set.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  public private(set) var members: [(name: String, value: JSON)] = []

  public init() {}

  public init(dictionaryLiteral elements: (String, JSON)...) {
    members = elements.map { (name: $0, value: $1) }
    assert(Set(members.map(\.name)).count == members.count, "a name stands twice")
  }

  /// For many members, whose names the caller knows to be different.
  public init(distinct members: [(name: String, value: JSON)]) { self.members = members }

  /// `nil` for a name that is not there. Setting `nil` removes it.
  public subscript(name: String) -> JSON? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append((name, value))
      case (nil, nil): break
      }
    }
  }

  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(members.count) }
}

extension JSONObject {
  /// A member that must be there and be a string of at most `limit` bytes.
  public func string(_ name: String, limit: Int = Limits.line) throws(JSONError) -> String {
    guard case .string(let value)? = self[name], value.utf8.count <= limit else {
      throw JSONError("'\(name)' must be a string of at most \(limit) bytes")
    }
    return value
  }

  /// Like `string`, with `nil` for a member that is null or not there.
  public func optionalString(_ name: String, limit: Int = Limits.line) throws(JSONError) -> String? {
    switch self[name] {
    case nil, .null?: nil
    default: try string(name, limit: limit)
    }
  }

  /// A member that must be there and be a whole number within `range`.
  public func integer(_ name: String, in range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
    guard case .integer(let value)? = self[name], range.contains(value) else {
      throw JSONError("'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Like `integer`, with `nil` for a member that is null or not there.
  public func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(JSONError) -> Int64? {
    switch self[name] {
    case nil, .null?: nil
    default: try integer(name, in: range)
    }
  }

  /// Any number, or `nil` for a member that is null or not there.
  public func optionalNumber(_ name: String) throws(JSONError) -> Double? {
    switch self[name] {
    case nil, .null?: nil
    case .integer(let value)?: Double(value)
    case .number(let value)?: value
    default: throw JSONError("'\(name)' must be a number")
    }
  }

  /// A truth value, `false` where it is not there.
  public func flag(_ name: String) throws(JSONError) -> Bool {
    switch self[name] {
    case nil, .null?: false
    case .bool(let value)?: value
    default: throw JSONError("'\(name)' must be true or false")
    }
  }

  /// A member that must be there and be an object.
  public func object(_ name: String) throws(JSONError) -> JSONObject {
    guard case .object(let value)? = self[name] else { throw JSONError("'\(name)' must be an object") }
    return value
  }

  /// An array of at most `count` objects; empty where it is not there.
  public func objects(_ name: String, count: Int) throws(JSONError) -> [JSONObject] {
    guard let value = self[name] else { return [] }
    guard case .array(let elements) = value, elements.count <= count else {
      throw JSONError("'\(name)' must be an array of at most \(count) objects")
    }
    var result: [JSONObject] = []
    for element in elements {
      guard case .object(let object) = element else { throw JSONError("'\(name)' must hold objects") }
      result.append(object)
    }
    return result
  }

  /// An array of at most `count` strings of at most `limit` bytes each; empty where it is not there.
  public func strings(_ name: String, count: Int, limit: Int) throws(JSONError) -> [String] {
    guard let value = self[name] else { return [] }
    guard case .array(let elements) = value, elements.count <= count else {
      throw JSONError("'\(name)' must be an array of at most \(count) strings")
    }
    var result: [String] = []
    for element in elements {
      guard case .string(let text) = element, text.utf8.count <= limit else {
        throw JSONError("'\(name)' must hold strings of at most \(limit) bytes")
      }
      result.append(text)
    }
    return result
  }

  /// An object of at most `count` strings; empty where it is not there.
  public func stringMap(_ name: String, count: Int, limit: Int) throws(JSONError) -> [String: String] {
    guard self[name] != nil else { return [:] }
    let value = try object(name)
    guard value.members.count <= count else { throw JSONError("'\(name)' must have at most \(count) members") }
    var result: [String: String] = [:]
    for member in value.members { result[member.name] = try value.string(member.name, limit: limit) }
    return result
  }
}

extension JSON {
  /// An object of strings, its names in order.
  public init(_ map: [String: String]) {
    var object = JSONObject()
    for (name, value) in map.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
    self = .object(object)
  }

  public init(_ strings: [String]) { self = .array(strings.map { .string($0) }) }

  public init(_ string: String?) { self = string.map { .string($0) } ?? .null }
}

/// What is wrong with a piece of JSON, as a clause that can follow "the reply is not understood: ".
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
