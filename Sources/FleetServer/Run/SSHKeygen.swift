import FleetProtocol
import Glibc

/// OpenSSH's own ssh-keygen, for what it does best.
enum SSHKeygen {
  /// Makes HostA's key where there is none yet. The public half comes first, so that a private one is always whole.
  static func makeHostKey(_ path: String) throws(Refusal) {
    if access(path, F_OK) == 0 { return }
    let beside = path + ".new"
    unlink(beside)
    unlink(beside + ".pub")
    let result = try Subprocess.run(
      "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "fleet-server", "-f", beside])
    guard result.status == 0 else { throw failure(result) }
    guard rename(beside + ".pub", path + ".pub") == 0, rename(beside, path) == 0 else {
      throw .systemCall("HostA's key \(path) cannot be put in place")
    }
    try FileReplacement.synchroniseFolder(of: path)
  }

  /// `SHA256:...`, as ssh shows it to a person.
  static func fingerprint(ofFile path: String) throws(Refusal) -> String {
    let result = try Subprocess.run("ssh-keygen", ["-l", "-E", "sha256", "-f", path])
    guard result.status == 0, let word = result.output.split(separator: " ").first(where: { $0.hasPrefix("SHA256:") })
    else { throw failure(result) }
    return String(word)
  }

  private static func failure(_ result: Subprocess.Result) -> Refusal {
    let line = result.errors.split(separator: "\n").last ?? "it says nothing"
    return Refusal(.ioFailed, "ssh-keygen failed: \(DisplayText.escaped(line, limit: 200))")
  }
}
