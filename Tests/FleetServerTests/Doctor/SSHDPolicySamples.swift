@testable import FleetServer

/// What real sshd said to `sshd -T`, down to what doctor reads.
enum SSHDPolicySamples {
  /// OpenSSH 9.2 with an empty configuration.
  static let stock92 = """
    port 22
    maxsessions 10
    clientaliveinterval 0
    clientalivecountmax 3
    unusedconnectiontimeout none
    pubkeyauthentication yes
    strictmodes yes
    gatewayports no
    allowtcpforwarding yes
    disableforwarding no
    allowstreamlocalforwarding yes
    streamlocalbindunlink no
    forcecommand none
    authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
    acceptenv LANG
    acceptenv LC_*
    authenticationmethods any
    maxstartups 10:30:100
    permitopen any
    permitlisten any

    """

  /// What OpenSSH 10.0 says besides, with an empty configuration.
  static let stock100 =
    stock92 + """
      channeltimeout none
      persourcepenaltyexemptlist none
      persourcepenalties crash:90 authfail:5 noauth:1 grace-exceeded:10 refuseconnection:10 max:600 min:15 max-sources4:65536 max-sources6:65536 overflow:permissive overflow6:permissive

      """

  /// A sample with one line that says something else.
  static func policy(_ sample: String = stock92, with lines: String...) -> SSHDPolicy {
    let changed = Set(lines.compactMap { $0.split(separator: " ").first })
    let kept = sample.split(separator: "\n").filter { !changed.contains($0.split(separator: " ")[0]) }
    return SSHDPolicy(parsing: (kept.map(String.init) + lines).joined(separator: "\n"))
  }
}
