import Foundation

/// An OpenSSH of 9.8 or newer, whose sshd is several programs and punishes whoever fails to log in: beside the machine's
/// own, not installed. `lab.hostA.openSSH = NewerSSHD.folder`, before HostA is started, has HostA run it.
enum NewerSSHD {
  /// Where `make test-bootstrap` unpacks it; a folder that holds `usr/sbin/sshd`, `usr/lib/openssh` and `usr/bin/ssh`.
  static let folder = Checkout.folder.appending(path: ".build/tools/openssh")

  /// Why the tests with it cannot run here.
  static let obstacle: String? =
    getuid() != 0
    ? "root is needed, to put another sshd in the place of the machine's"
    : access(folder.appending(path: "usr/sbin/sshd").path, X_OK) == 0
      ? nil : "a newer OpenSSH is not here; provisioning/newer-openssh.sh .build/tools unpacks one"
}
