import FleetProtocol

extension Configuration {
  /// Adds a HostA, or replaces what is known of the one with the same account, address and port. One that is new
  /// becomes the default.
  ///
  /// Without a `name` it is called by its address, or with account and port behind it where that name is taken. The
  /// `name` of a HostA that is known stands for it also at another address, if it shows a key that is known: it has moved.
  /// Throws `usage` or `name-taken`.
  @discardableResult
  mutating func add(_ login: LoginTarget, name: String?, identity: String?, hostKeys: [PublicKey]) throws(Refusal)
    -> ConfiguredHost
  {
    if let name { try ConfiguredHost.checkName(name) }
    var known = hosts.firstIndex {
      $0.account == login.account && $0.address == login.address && $0.port == login.port
    }
    if let name, let called = hosts.firstIndex(where: { $0.name == name }), called != known {
      guard known == nil, !Set(hosts[called].hostKeys).isDisjoint(with: hostKeys) else {
        throw Refusal(
          .nameTaken, "another HostA is called \(name) on this laptop: \(hosts[called].place)",
          hint: "give another name, or 'fleet hosts rename \(name) NEW' before")
      }
      known = called
    }
    if let known, let name, hosts[known].name != name {
      throw Refusal(
        .nameTaken, "this HostA is called \(hosts[known].name) on this laptop already",
        hint: "'fleet hosts rename \(hosts[known].name) \(name)' gives it the other name")
    }
    let isTaken = hosts.contains { $0.name == login.address }
    let free = isTaken ? "\(login.address)-\(login.account)-\(login.port)" : login.address
    let host = ConfiguredHost(
      name: known.map { hosts[$0].name } ?? name ?? free, account: login.account, address: login.address,
      port: login.port, identity: identity, hostKeys: hostKeys)
    if let known {
      hosts[known] = host
    } else {
      hosts.append(host)
      defaultHost = host.name
    }
    return host
  }

  /// What HostA calls the operator of this laptop.
  mutating func note(operatorName: OperatorName?, of host: ConfiguredHost) {
    for index in hosts.indices where hosts[index].name == host.name { hosts[index].operatorName = operatorName }
  }

  /// Throws `no-such-host` or `not-logged-in`.
  mutating func makeDefault(_ name: String) throws(Refusal) { defaultHost = try host(named: name).name }

  /// Throws `no-such-host`, `not-logged-in`, `usage` or `name-taken`.
  mutating func rename(_ name: String, to new: String) throws(Refusal) {
    let host = try host(named: name)
    try ConfiguredHost.checkName(new)
    guard !hosts.contains(where: { $0.name == new }) else {
      throw Refusal(.nameTaken, "a HostA of this laptop is called \(new) already")
    }
    for index in hosts.indices where hosts[index] == host { hosts[index].name = new }
    if defaultHost == name { defaultHost = new }
  }

  /// When the default goes, the first of the others takes its place. Throws `no-such-host` or `not-logged-in`.
  mutating func forget(_ name: String) throws(Refusal) {
    let host = try host(named: name)
    hosts.removeAll { $0 == host }
    if defaultHost == name { defaultHost = hosts.first?.name }
  }
}
