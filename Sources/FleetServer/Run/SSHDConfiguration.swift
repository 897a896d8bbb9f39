import FleetProtocol

/// sshd's configuration, as `fleet-server` writes it for its private sshd and proposes it for the system's.
enum SSHDConfiguration {
  /// The private sshd. It runs as the ordinary account, lets in nobody else, and nothing but public keys counts.
  ///
  /// StrictModes is off because fleet-server checks the folders above its own itself, more strictly.
  /// `hasPenalties`: this sshd knows PerSourcePenalties (9.8 and newer), which would lock out a whole fleet that
  /// comes from behind one address.
  static func `private`(home: Home, settings: HostSettings, isRoot: Bool, hasPenalties: Bool, cores: Int) -> String {
    """
    # Written by fleet-server at each start; changes are lost.
    ListenAddress \(settings.listen)
    HostKey \(home.hostKey)
    AuthorizedKeysFile \(home.authorizedKeys)
    AllowUsers \(settings.account)
    PidFile none
    LogLevel INFO
    UsePAM no
    StrictModes no
    PermitRootLogin \(isRoot ? "forced-commands-only" : "no")
    AuthenticationMethods publickey
    PubkeyAuthentication yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    GSSAPIAuthentication no
    PermitEmptyPasswords no
    SetEnv FLEET_SERVER_HOME=\(home.path)
    PrintMotd no
    PrintLastLog no
    TCPKeepAlive yes
    \(connections(cores: cores))\(hasPenalties ? "\nPerSourcePenalties no" : "")
    \(authority)

    """
  }

  /// What an administrator puts into /etc/ssh/sshd_config.d, so that the system's sshd is as narrow as ours.
  static func dropIn(account: LoginName, cores: Int) -> String {
    """
    # For /etc/ssh/sshd_config.d/fleet-server.conf. Outside the Match block, if the whole fleet reconnects at once:
    #   MaxStartups \(MaxStartups.suited(cores: cores))
    # and, with OpenSSH 9.8 or newer, so that one refused device does not lock out all behind its address:
    #   PerSourcePenalties no
    Match User \(account)
    \(("AuthenticationMethods publickey\nClientAliveInterval 90\nClientAliveCountMax 3\nMaxSessions 100\n" + authority)
      .split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))

    """
  }

  /// A whole fleet that reconnects waits a little instead of being cut off, and a dead connection ends by itself; later
  /// than the agent of a metered line shows a sign of life, so that sshd asks it for none. A laptop runs all its requests
  /// and sessions at a time on one connection, of which sshd would otherwise take ten.
  private static func connections(cores: Int) -> String {
    """
    MaxStartups \(MaxStartups.suited(cores: cores))
    MaxSessions 100
    LoginGraceTime 20
    ClientAliveInterval 90
    ClientAliveCountMax 3
    """
  }

  /// What a key may do at most, whatever its line says. Sockets as files are closed only here: no option of a key
  /// line covers them, and a device could put one in the way of the registry.
  private static let authority = """
    AllowTcpForwarding yes
    AllowStreamLocalForwarding no
    StreamLocalBindUnlink no
    GatewayPorts no
    PermitListen \(Loopback.address):*
    PermitOpen \(Loopback.address):*
    PermitTTY no
    PermitTunnel no
    PermitUserRC no
    X11Forwarding no
    AllowAgentForwarding no
    """
}
