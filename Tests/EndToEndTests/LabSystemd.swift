import Foundation

/// A box of its own with a real systemd as its first process: a copy of this machine's files that is thrown away, its
/// own processes, its own cgroup, and root. Only the loopback is shared, on which HostA listens.
final class SystemdBox {
  static let obstacle: String? =
    getuid() != 0
    ? "root is needed" : access("/usr/lib/systemd/systemd", X_OK) != 0 ? "systemd is not installed" : nil

  /// An ordinary account of the box.
  let user: String
  let port: Int
  private let lab: Lab
  private let cgroup: URL
  private let process: Running

  /// Starts it and waits until its sshd answers, which lets the operator in as root and as `user`.
  init(_ lab: Lab, port: Int) throws {
    self.lab = lab
    self.port = port
    user = "pi"
    let folder = lab.folder.appending(path: "systemd-\(port)")
    func file(_ name: String) -> URL { folder.appending(path: name) }
    let files = FileManager.default
    try files.createDirectory(at: folder.appending(path: "disk"), withIntermediateDirectories: true)
    let uid = lab.box.uid!
    let key = try String(contentsOf: lab.operatorKey.appendingPathExtension("pub"), encoding: .utf8)
    for (name, line) in [
      ("passwd", "pi:x:\(uid):\(uid)::/home/pi:/bin/sh"), ("group", "pi:x:\(uid):"),
      ("shadow", "pi:*:19000:0:99999:7:::"),
    ] {
      try (String(contentsOfFile: "/etc/\(name)", encoding: .utf8) + line + "\n").write(to: file(name))
    }
    try key.write(to: file("authorized_keys"))
    try """
    Port \(port)
    ListenAddress 127.0.0.1
    HostKey /etc/box/host_key
    AuthorizedKeysFile /etc/box/authorized_keys
    PermitRootLogin yes
    UsePAM yes
    PasswordAuthentication no
    PidFile none

    """.write(to: file("sshd_config"))
    try """
    [Unit]
    Requires=dbus.socket systemd-logind.service box-sshd.service
    After=dbus.socket

    """.write(to: file("box.target"))
    try """
    [Unit]
    DefaultDependencies=no
    [Service]
    ExecStartPre=/bin/mkdir -p /run/sshd
    ExecStart=/usr/sbin/sshd -D -e -f /etc/box/sshd_config

    """.write(to: file("box-sshd.service"))
    try Self.script.write(to: file("start.sh"))
    // A cgroup of its own, so that its systemd sees and changes no other.
    let unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
    cgroup = URL(filePath: unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/systemd")
      .appending(path: "fleet-test-\(UUID().uuidString.prefix(8))")
    let root = Account(name: "root", home: lab.folder, uid: nil, passwd: lab.box.passwd)
    try lab.succeed(root, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("host_key").path])
    try lab.succeed(root, ["mkdir", cgroup.path])
    process = try lab.start(
      root,
      [
        "sh", "-c",
        """
        echo $$ >"$1/cgroup.procs" && exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup \
          --propagation private sh "$2/start.sh" "$2" "$3"
        """, "sh", cgroup.path, folder.path, "\(uid)",
      ])
    try eventually("the systemd box's sshd answers\n\(process.error)", within: 60) {
      try lab.run(lab.laptop, ["ssh-keyscan", "-T", "2", "-p", "\(port)", "127.0.0.1"]).output.contains("ssh-ed25519")
    }
    let scanned = try lab.succeed(lab.laptop, ["ssh-keyscan", "-p", "\(port)", "127.0.0.1"])
    try lab.write(scanned, to: ".ssh/known_hosts", of: lab.laptop)
  }

  /// Ends every process of the box: its first one takes the others with it.
  func stop() {
    process.stop(SIGKILL)
    // The kernel gives a cgroup back when the last of its processes is gone.
    try? eventually("the box's cgroup is empty", within: 10) {
      for case let path as String in FileManager.default.enumerator(atPath: cgroup.path)?.allObjects.reversed() ?? [] {
        rmdir(cgroup.appending(path: path).path)
      }
      return rmdir(cgroup.path) == 0 || errno == ENOENT
    }
  }

  /// Runs a command on the box over ssh.
  func run(as account: String, _ command: String) throws -> Outcome {
    try lab.run(lab.laptop, ["ssh", "-o", "BatchMode=yes", "-p", "\(port)", "\(account)@127.0.0.1", command])
  }

  private static let script = """
    #!/bin/sh
    set -e
    folder=$1 uid=$2
    mount -t tmpfs -o size=600m,mode=755 tmpfs "$folder/disk"
    mkdir "$folder/disk/upper" "$folder/disk/work" "$folder/disk/root"
    root=$folder/disk/root
    mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/disk/upper,workdir=$folder/disk/work" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
      mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    else
      mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
      mkdir "$root/sys/fs/cgroup/systemd"
      mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    fi
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    # No setting of the kernel, no device and no service of this machine is for this box to touch or to start.
    rm -rf "$root"/etc/systemd/system/* "$root"/etc/systemd/user/* "$root/var/lib/systemd/linger"
    for target in sysinit local-fs basic multi-user timers sockets; do
      rm -rf "$root/usr/lib/systemd/system/$target.target.wants"
    done
    for name in passwd group shadow; do cat "$folder/$name" >"$root/etc/$name"; done
    rm -rf "$root/root" "$root/home"
    mkdir -m 700 "$root/root"
    mkdir -m 755 "$root/home" "$root/etc/box"
    mkdir -m 700 "$root/home/pi"
    chown "$uid:$uid" "$root/home/pi"
    cp "$folder/sshd_config" "$folder/host_key" "$folder/authorized_keys" "$root/etc/box/"
    cp "$folder/box.target" "$folder/box-sshd.service" "$root/etc/systemd/system/"
    exec chroot "$root" env -i container=fleet-test PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \\
      /usr/lib/systemd/systemd --system --unit=box.target --log-target=null --show-status=no

    """
}

extension String {
  fileprivate func write(to file: URL) throws { try write(to: file, atomically: false, encoding: .utf8) }
}
