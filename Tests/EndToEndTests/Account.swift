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
  /// A folder with another OpenSSH, whose server stands in for the machine's.
  var openSSH: URL?
  /// A file that stands in for the kernel's boot identity, where a box of its own is played.
  var bootIDFile: URL?
  /// Folders that each get a disk of 2 MiB of their own, where a box is played whose disk is full.
  var smallDisks: [String] = []
  /// A network namespace, where the lab has one for each host.
  var namespace: String?
  /// A process in whose mount namespace its programs run, all of them in the same one.
  var mountsOf: pid_t?
  /// Whether its programs find every file system read-only but /run and /tmp, which are in memory.
  var hasReadOnlyDisk = false

  /// The command line that runs `arguments` as this account.
  func commandLine(_ arguments: [String]) -> [String] {
    var line = namespace.map { ["nsenter", "--net=/run/netns/\($0)", "--"] } ?? []
    let readOnly = hasReadOnlyDisk ? Scratch.folder.path : ""
    if let uid, let mountsOf {
      line +=
        ["nsenter", "--mount=/proc/\(mountsOf)/ns/mnt", "--", "env", "-C", home.path] + Self.unprivileged(uid)
    } else if let uid {
      line +=
        [
          "unshare", "--mount", "--propagation", "private", "sh", "-c",
          Self.makeReadOnly + """
            mount --bind "$1" /etc/passwd || exit
            [ -z "$2" ] || mount --bind "$2" /etc/ssh || exit
            [ -z "$3" ] || mount --bind "$3" /proc/sys/kernel/random/boot_id || exit
            [ -z "$4" ] || make_read_only "$4" || exit
            if [ -n "$5" ]; then
              mount --bind "$5/usr/sbin/sshd" /usr/sbin/sshd || exit
              mount --bind "$5/usr/lib/openssh" /usr/lib/openssh || exit
            fi
            options=$6
            shift 6
            while [ "$1" != -- ]; do mount -t tmpfs -o "$options" tmpfs "$1" || exit; shift; done
            shift
            exec "$@"
            """,
          "sh", passwd.path, sshFolder?.path ?? "", bootIDFile?.path ?? "", readOnly, openSSH?.path ?? "",
          "size=2m,mode=700,uid=\(uid),gid=\(uid)",
        ] + smallDisks + [
          "--"
        ] + Self.unprivileged(uid)
    } else if hasReadOnlyDisk {
      // Who is not root may mount in a user namespace, where that is allowed at all.
      line += [
        "unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-c",
        Self.makeReadOnly + """
          make_read_only "$1" || exit
          shift
          exec "$@"
          """, "sh", readOnly,
      ]
    }
    return line + arguments
  }

  private static func unprivileged(_ uid: uid_t) -> [String] {
    ["setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", "--inh-caps=-all", "--"]
  }

  /// Where a test finds a file that stands in the account's own mounts.
  func seen(_ file: URL) -> URL { mountsOf.map { URL(filePath: "/proc/\($0)/root\(file.path)") } ?? file }

  /// Shell: makes the disk read-only, then /tmp and /run empty and in memory, where only the folder of this test run
  /// is seen, read-only as well.
  private static let makeReadOnly = """
    make_read_only() {
      for target in $(findmnt -rno TARGET | grep -Ev '^/(proc|sys|dev|run|tmp)(/|$)'); do
        mount -n -o remount,bind,ro "$target" || return
      done
      name=${1##*/}
      mount -n -t tmpfs tmpfs /mnt && mkdir "/mnt/$name" && mount -n --bind "$1" "/mnt/$name" &&
        mount -n -o remount,bind,ro "/mnt/$name" && mount -n --move /mnt /tmp && mount -n -t tmpfs tmpfs /run && cd /
    }

    """

  /// A small environment of its own: nothing of the person's own configuration or ssh agent is used.
  func environment(_ extra: [String: String]) -> [String: String] {
    [
      "HOME": home.path, "USER": name, "LOGNAME": name, "SHELL": "/bin/sh", "LANG": "C.UTF-8", "TERM": "dumb",
      "PATH": home.appending(path: "bin").path + ":" + Programs.folder.path
        + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "XDG_CONFIG_HOME": home.appending(path: ".config").path,
      "XDG_STATE_HOME": home.appending(path: ".local/state").path,
      "XDG_RUNTIME_DIR": home.appending(path: "run").path,
    ].merging(extra) { $1 }
  }
}
