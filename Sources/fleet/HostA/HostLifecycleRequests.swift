import FleetProtocol

/// What changes a device after it was provisioned.
extension HostRequest {
  /// Returns whether that changed anything.
  func rename(_ name: DeviceName, to new: DeviceName) throws(Refusal) -> Bool {
    let fields = try answer(to: .rename(name, to: new)).fields
    endConnections(to: name)
    endConnections(to: new)
    return try parse { () throws(JSONError) in try fields.flag("changed") }
  }

  /// Returns all tags as they are now.
  func tag(_ name: DeviceName, _ change: TagChange) throws(Refusal) -> [String: String] {
    let body = TagBody(set: change.set, remove: change.remove.sorted())
    let fields = try answer(to: .tag(name), body: body.line).fields
    return try parse { () throws(JSONError) in try fields.stringMap("tags", count: Limits.tags, limit: Limits.text) }
  }

  func remove(_ name: DeviceName) throws(Refusal) -> RemoveReply {
    let fields = try answer(to: .remove(name)).fields
    endConnections(to: name)
    return try parse { () throws(JSONError) in try RemoveReply(fields) }
  }

  /// Returns whether the device was connected and now has to come again.
  func rekey(_ name: DeviceName) throws(Refusal) -> Bool {
    let fields = try answer(to: .rekey(name)).fields
    endConnections(to: name)
    return try parse { () throws(JSONError) in try fields.flag("ended") }
  }

  /// The boxes that wait for approval, who asked first at the front.
  func pending() throws(Refusal) -> [PendingBox] {
    let answer = try answer(to: .pending)
    return try parse { () throws(JSONError) in
      guard try answer.fields.integer("count", in: 0...1_000_000) == answer.lines.count else {
        throw JSONError("it ends in the middle of the list")
      }
      var boxes: [PendingBox] = []
      for line in answer.lines {
        guard case .object(let object) = try JSON(parsing: line) else { throw JSONError("a box is not an object") }
        boxes.append(try PendingBox(object))
      }
      return boxes
    }
  }

  /// Returns the name that the device has got, and its port.
  func approve(_ name: DeviceName, _ body: ApproveBody) throws(Refusal) -> (name: DeviceName, port: TCPPort) {
    let fields = try answer(to: .approve(name), body: body.line).fields
    return try parse { () throws(JSONError) in
      guard let given = try? DeviceName(validating: try fields.string("name")) else {
        throw JSONError("'name' is not a name")
      }
      return (given, try fields.port("port"))
    }
  }

  func reject(_ name: DeviceName) throws(Refusal) { _ = try answer(to: .reject(name)) }

  /// Behind the name is another device from now on, or none: nobody reaches the old one over a connection of before.
  func endConnections(to device: DeviceName) {
    DeviceMaster(device, host: host, paths: paths, reuse: .wanted)?.end()
  }
}
