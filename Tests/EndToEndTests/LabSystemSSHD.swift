import Foundation

/// The sshd of HostA's administrator, with a folder of its own in the place of /etc/ssh.
extension Lab {
  private var sshFolder: URL { folder.appending(path: "etc-ssh") }

  /// Starts it as root, who is in no network namespace here, and waits until it listens.
  @discardableResult func startSystemSSHD() throws -> Running {
    try FileManager.default.createDirectory(
      at: sshFolder.appending(path: "sshd_config.d"), withIntermediateDirectories: true)
    // As Debian ships it, but for PAM, which does not know the lab's accounts, and for where it listens.
    let configuration = """
      Include /etc/ssh/sshd_config.d/*.conf
      Port \(ports.hostA)
      ListenAddress 127.0.0.1
      KbdInteractiveAuthentication no
      UsePAM no
      X11Forwarding yes
      PrintMotd no
      PidFile none
      AcceptEnv LANG LC_*
      Subsystem sftp /usr/lib/openssh/sftp-server

      """
    try Data(configuration.utf8).write(to: sshFolder.appending(path: "sshd_config"))
    hostA.sshFolder = sshFolder
    let administrator = Account(
      name: "root", home: folder, uid: 0, passwd: hostA.passwd, sshFolder: sshFolder, openSSH: hostA.openSSH)
    try succeed(administrator, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key"])
    // sshd shuts its unprivileged part into /run/sshd, which the machine may not have.
    let sshd = try start(
      administrator,
      ["sh", "-c", "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e"])
    try eventually("the system's sshd listens\n\(sshd.error)", within: 15) { sshd.error.contains("Server listening") }
    return sshd
  }

  /// Puts a file into sshd_config.d and has sshd read its configuration again.
  func includeInSystemSSHD(_ text: String, _ sshd: Running) throws {
    try Data(text.utf8).write(to: sshFolder.appending(path: "sshd_config.d/fleet-server.conf"))
    kill(sshd.pid, SIGHUP)
    try eventually("the system's sshd listens again", within: 15) {
      sshd.error.components(separatedBy: "Server listening").count > 2
    }
  }

  /// The key file of HostA's account, which its sshd reads.
  func keyFile() throws -> String {
    try String(contentsOf: hostA.home.appending(path: ".ssh/authorized_keys"), encoding: .utf8)
  }

  /// A new public key, without its comment.
  func foreignKey(_ name: String) throws -> String {
    try succeed(hostA, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name])
    return try succeed(hostA, ["cat", "\(name).pub"]).split(separator: " ").prefix(2).joined(separator: " ")
  }

  func children(of pid: pid_t) throws -> String {
    try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
  }
}
