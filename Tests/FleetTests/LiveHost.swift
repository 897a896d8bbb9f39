import FleetProtocol
import Foundation
import Testing
import ThrowawaySSHD

@testable import fleet

/// A HostA made of a stock sshd and a script that answers as PROTOCOL.md says, and a laptop that knows it.
///
/// The one device that it connects to is a second stock sshd, which the script starts on its own standard streams.
final class LiveHost {
  private let server: ThrowawaySSHD
  let folder: String
  let identity: String
  var port: UInt16 { server.port }

  static func with(_ body: (LiveHost) throws -> Void) throws {
    try Scratch.with { folder in
      let host = try LiveHost(folder)
      defer { host.server.stop() }
      try body(host)
    }
  }

  private init(_ folder: String) throws {
    self.folder = folder
    identity = "\(folder)/id it's"
    for name in [identity, "\(folder)/device_key"] {
      try #require(
        try Subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name]).status == 0)
    }
    try FileStore.makeFolder("\(folder)/t")
    let script = "\(folder)/answer.sh"
    try FileStore.replace(script, with: Self.script(folder).utf8)
    let publicKey = String(decoding: try FileStore.content(of: "\(identity).pub") ?? [], as: UTF8.self)
    try FileStore.replace("\(folder)/device_authorized", with: publicKey.utf8)
    try FileStore.replace(
      "\(folder)/device_sshd",
      with: """
        HostKey \(folder)/device_key
        AuthorizedKeysFile \(folder)/device_authorized
        StrictModes no
        UsePAM no
        PermitRootLogin yes
        PidFile none

        """.utf8)
    server = try ThrowawaySSHD(authorizedKeys: "restrict,command=\"exec sh \(script)\" \(publicKey)")
    try enroll(key(of: "device_key"))
  }

  /// What the script calls the host key of kitchen-pi.
  func enroll(_ key: String) throws {
    let user = ThrowawaySSHD.account
    try FileStore.replace(
      "\(folder)/header",
      with: #"{"v":1,"ok":true,"name":"kitchen-pi","user":"\#(user)","host_keys":["\#(key)"]}"#.utf8 + [0x0A])
  }

  func key(of name: String) throws -> String {
    let text = String(decoding: try FileStore.content(of: "\(folder)/\(name).pub") ?? [], as: UTF8.self)
    return text.split(separator: " ").prefix(2).joined(separator: " ").trimmingCharacters(in: .newlines)
  }

  var fingerprint: String {
    get throws {
      let key = Array("\(server.hostKeys[0])\n".utf8)
      let line = try Subprocess.run(["ssh-keygen", "-l", "-f", "-"], input: .bytes(key)).text
      return line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    }
  }

  /// Runs the built program with this laptop's files, whose paths ssh has to be told with care.
  func fleet(_ arguments: String..., input: Subprocess.Input = .none) throws -> Subprocess.Outcome {
    try Subprocess.run(["env"] + environment + [Built.fleet] + arguments, input: input)
  }

  private var environment: [String] {
    [
      "XDG_CONFIG_HOME=\(folder)/con fig", "XDG_STATE_HOME=\(folder)/state 100%", "TMPDIR=\(temporaryFolder)",
      // Nothing stays behind, and every command finds the device as it is now.
      "NO_COLOR=1", "FLEET_REUSE=0",
    ]
  }

  /// Runs a shell script, in which `fleet` is the built program, on a terminal of its own. Returns what the terminal got.
  func onTerminal(_ script: String, rows: Int, columns: Int, typed: String = "") throws -> String {
    let commands = "fleet() { '\(Built.fleet)' \"$@\"; }; stty rows \(rows) cols \(columns); \(script)"
    try FileStore.replace("\(folder)/commands.sh", with: commands.utf8)
    return try Subprocess.run(
      ["env"] + environment + ["TERM=xterm", "script", "-qefc", "sh '\(folder)/commands.sh'", "\(folder)/typescript"],
      input: .bytes(Array(typed.utf8))
    ).text
  }

  func login() throws -> Subprocess.Outcome {
    try fleet(
      "login", "\(ThrowawaySSHD.account)@127.0.0.1:\(port)", "--host-key", fingerprint, "--identity", identity)
  }

  /// HostA is not where the laptop thinks any more. Returns the configuration as it was.
  @discardableResult func moveAway() throws -> String {
    let text = String(decoding: try FileStore.content(of: configuration) ?? [], as: UTF8.self)
    let away = text.replacing("\"port\":\(port)", with: "\"port\":\(try ThrowawaySSHD.freePort())")
    try FileStore.replace(configuration, with: away.utf8)
    return text
  }

  var temporaryFolder: String { "\(folder)/t" }
  var configuration: String { "\(folder)/con fig/fleet/config.json" }
  var devicePins: String { "\(folder)/state 100%/fleet/devices/127.0.0.1/kitchen-pi" }

  private static func script(_ folder: String) -> String {
    let device = JSON.object(Sample.device().object).text
    let offline = JSON.object(Sample.device("attic", state: .offline).object).text
    return """
      case $SSH_ORIGINAL_COMMAND in
      version) echo '{"v":1,"ok":true,"version":"0.1.0","operator":"alice"}' ;;
      list | select)
        echo '{"v":1,"ok":true,"count":2,"now":"2026-01-02T03:04:25Z"}'
        echo '\(device)'
        echo '\(offline)'
        ;;
      "show kitchen-pi") echo '{"v":1,"ok":true,"device":\(device)}' ;;
      "connect kitchen-pi") cat '\(folder)/header'; exec /usr/sbin/sshd -i -f '\(folder)/device_sshd' ;;
      "connect attic") echo '{"v":1,"ok":false,"code":"device-offline","message":"attic is offline since 2026-01-02T03:04:05Z"}' ;;
      "connect garbage") echo 'Welcome to HostA' ;;
      "connect silent") echo 'something broke' >&2; exit 9 ;;
      *) echo '{"v":1,"ok":false,"code":"no-such-device","message":"there is no such device","hint":"did you mean kitchen-pi?"}' ;;
      esac

      """
  }
}
