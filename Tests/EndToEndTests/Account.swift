import Foundation

/// Who runs a program of the lab, and on which of its hosts.
///
/// When the tests run as root, HostA, the box and the laptop each get an unprivileged account of their own, which exists
/// only in a mount namespace with a private /etc/passwd: nothing is added to the system. Otherwise everything
/// runs as the person who runs the tests.
struct Account: Sendable {
  let name: String
  let home: URL
  /// `nil` when the tests do not run as root.
  let uid: uid_t?
  /// The private /etc/passwd.
  let passwd: URL
  /// A folder that stands in for /etc/ssh, where the lab gives HostA an sshd of its administrator's.
  var sshFolder: URL?
  /// A file that stands in for the kernel's boot identity, where a box of its own is played.
  var bootIDFile: URL?
  /// Folders that each get a disk of 2 MiB of their own, where a box is played whose disk is full.
  var smallDisks: [String] = []
  /// A network namespace, where the lab has one for each host.
  var namespace: String?

  /// The command line that runs `arguments` as this account.
  func commandLine(_ arguments: [String]) -> [String] {
    var line = namespace.map { ["nsenter", "--net=/run/netns/\($0)", "--"] } ?? []
    if let uid {
      line +=
        [
          "unshare", "--mount", "--propagation", "private", "sh", "-c",
          """
          mount --bind "$1" /etc/passwd || exit
          [ -z "$2" ] || mount --bind "$2" /etc/ssh || exit
          [ -z "$3" ] || mount --bind "$3" /proc/sys/kernel/random/boot_id || exit
          options=$4
          shift 4
          while [ "$1" != -- ]; do mount -t tmpfs -o "$options" tmpfs "$1" || exit; shift; done
          shift
          exec "$@"
          """,
          "sh", passwd.path, sshFolder?.path ?? "", bootIDFile?.path ?? "", "size=2m,mode=700,uid=\(uid),gid=\(uid)",
        ] + smallDisks + [
          "--",
          "setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", "--inh-caps=-all", "--",
        ]
    }
    return line + arguments
  }

  /// A small environment of its own: nothing of the person's own configuration or ssh agent is used.
  func environment(_ extra: [String: String]) -> [String: String] {
    [
      "HOME": home.path, "USER": name, "LOGNAME": name, "SHELL": "/bin/sh", "LANG": "C.UTF-8", "TERM": "dumb",
      "PATH": home.appending(path: "bin").path + ":" + Programs.folder.path
        + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "XDG_CONFIG_HOME": home.appending(path: ".config").path,
      "XDG_STATE_HOME": home.appending(path: ".local/state").path,
    ].merging(extra) { $1 }
  }
}
