import FleetProtocol

/// One HostA as the laptop knows it.
struct ConfiguredHost: Hashable {
  /// What it is called on this laptop; also a file name and, behind `fleet-host-`, the alias of its pinned keys.
  var name: String
  var account: LoginName
  var address: String
  var port: TCPPort
  /// The private key's file; `nil` leaves the choice to ssh.
  var identity: String?
  var hostKeys: [PublicKey]
  /// What HostA calls this laptop's operator, as it said at the last login.
  var operatorName: OperatorName?

  /// `fleet@hosta.example:2222`, as `fleet login` takes it.
  var place: String { "\(account)@" + (address.contains(":") ? "[\(address)]" : address) + ":\(port)" }

  /// Throws `usage` for what can be neither a file's name nor a word of a command line.
  static func checkName(_ name: String) throws(Refusal) {
    guard HostAddress.isAddress(name), name.contains(where: { $0 != "." }) else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(name, limit: 60))' cannot be what a HostA is called",
        hint: "use letters, digits, '.', '-' and '_'")
    }
  }

  /// The name under which its keys stand in the known_hosts file, whatever address leads to it.
  var hostKeyAlias: String { "fleet-host-\(name)" }
}

/// `config.json`: the HostAs that `fleet login` was run for, and which one is meant when none is named.
struct Configuration: Hashable {
  var defaultHost: String?
  var hosts: [ConfiguredHost] = []

  /// The HostA of this name, or the default. Throws `not-logged-in` or `no-such-host`.
  func host(named name: String?) throws(Refusal) -> ConfiguredHost {
    guard let fallback = hosts.first(where: { $0.name == defaultHost }) ?? hosts.first else {
      throw Refusal(
        .notLoggedIn, "this laptop does not know a HostA yet",
        hint: "run 'fleet login ACCOUNT@HOST'; 'fleet-server init' on HostA prints the line")
    }
    guard let name else { return fallback }
    guard let host = hosts.first(where: { $0.name == name }) else {
      let names = hosts.map(\.name).sorted().joined(separator: ", ")
      throw Refusal(
        .noSuchHost, "this laptop knows no HostA that is called '\(DisplayText.escaped(name, limit: 60))'",
        hint: "it knows \(names); 'fleet login --name NAME ACCOUNT@HOST' adds one")
    }
    return host
  }
}

extension Configuration {
  /// Parses the whole file. Throws `configuration-invalid`.
  init(parsing text: some Collection<UInt8>) throws(Refusal) {
    do throws(JSONError) {
      let object = try JSONObject(parsingBody: text)
      defaultHost = try object.optionalString("default", limit: Limits.text)
      guard case .array(let elements)? = object["hosts"] else { throw JSONError("'hosts' must be an array") }
      for element in elements {
        guard case .object(let host) = element else { throw JSONError("'hosts' must hold objects") }
        hosts.append(try ConfiguredHost(host))
      }
    } catch {
      throw Refusal(
        .configurationInvalid, "the configuration of fleet is not understood: \(error)",
        hint: "run 'fleet login' again, or mend config.json")
    }
  }

  /// The file's text, with a newline at its end.
  var text: String {
    JSON.object([
      "v": .integer(Reply.version), "default": JSON(defaultHost), "hosts": .array(hosts.map { .object($0.object) }),
    ]).text + "\n"
  }

  /// The known_hosts file for all of them.
  var pins: String { hosts.map { KnownHosts.text(name: $0.hostKeyAlias, keys: $0.hostKeys) }.joined() }
}

extension ConfiguredHost {
  init(_ object: JSONObject) throws(JSONError) {
    name = try object.string("name", limit: Limits.text)
    guard HostAddress.isAddress(name), name.contains(where: { $0 != "." }) else {
      throw JSONError("'name' must be made of letters, digits, '.', '-', '_' and ':'")
    }
    do { account = try LoginName(validating: try object.string("account")) } catch {
      throw JSONError("'account' is not a login name")
    }
    address = try object.string("address", limit: Limits.text)
    guard HostAddress.isAddress(address) else { throw JSONError("'address' is not a host name or an address") }
    port = try object.port("port")
    identity = try object.optionalString("identity", limit: 4096)
    hostKeys = try object.hostKeys("host_keys")
    guard !hostKeys.isEmpty else { throw JSONError("'host_keys' must name at least one key") }
    operatorName = try object.optionalString("operator").flatMap { try? OperatorName(validating: $0) }
  }

  /// Whether both are the same way to the same HostA, whatever they are called.
  func hasSameIdentity(as other: ConfiguredHost) -> Bool {
    account == other.account && address == other.address && port == other.port
  }

  var object: JSONObject {
    var object: JSONObject = [
      "name": .string(name), "account": .string(account.rawValue), "address": .string(address),
      "port": .integer(Int64(port.rawValue)),
    ]
    if let identity { object["identity"] = .string(identity) }
    object["host_keys"] = JSON(hostKeys.map(\.description))
    if let operatorName { object["operator"] = .string(operatorName.rawValue) }
    return object
  }
}
