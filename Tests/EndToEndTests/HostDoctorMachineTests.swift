import Foundation
import Testing

/// What `fleet-server doctor` says of the machine: the kernel's files, disks, limits and other accounts that it finds are
/// exchanged for it alone.
@Suite(
  .serialized, .enabled(if: getuid() == 0, "other accounts, disks and kernel files in the place of ours need root"))
struct HostDoctorMachineTests {
  /// Shell, run as root in a mount namespace of its own, and what doctor says there.
  private struct Machine {
    let preparation: String
    /// In front of doctor.
    var wrapper: [String] = []
    /// The folder that doctor is to look at, where it is not HostA's own.
    var home: String?
    let findings: [String: String]
  }

  private func machines(_ lab: Lab) -> [Machine] {
    let shown = lab.folder.appending(path: "shown").path
    func file(_ path: String, _ text: String) -> String {
      "printf '\(text)' >\(shown) && mount --bind \(shown) \(path)"
    }
    let folder = lab.folder.appending(path: "disk").path
    func disk(_ options: String) -> String {
      "mkdir -p \(folder) && mount -t tmpfs -o mode=755,\(options) tmpfs \(folder) && cp -a \(lab.serverHome.path) \(folder)"
    }
    let copy = folder + "/fleet-server"
    let range = "/proc/sys/net/ipv4/ip_local_port_range"
    let reserved = "/proc/sys/net/ipv4/ip_local_reserved_ports"
    let leases = "\(lab.ports.leases.lowerBound)-\(lab.ports.leases.upperBound)"
    let other =
      "cp /etc/passwd \(shown) && sed -i '/^hosta:/s,/bin/sh,SHELL,' \(shown) && mount --bind \(shown) /etc/passwd"
    return [
      Machine(preparation: ":", findings: [:]),
      Machine(preparation: file("/proc/meminfo", "MemTotal: 5000 kB\\n"), findings: ["memory": "warning"]),
      Machine(preparation: file("/proc/meminfo", "MemTotal: 4096 kB\\n"), findings: ["memory": "serious"]),
      Machine(preparation: file(range, "1024\\t65000\\n"), findings: ["lease-range": "warning"]),
      Machine(
        preparation: file(range, "1024\\t65000\\n") + " && printf '8080,\(leases)\\n' >\(shown)-2"
          + " && mount --bind \(shown)-2 \(reserved)", findings: [:]),
      Machine(preparation: ":", wrapper: ["prlimit", "--nofile=300"], findings: ["open-files": "warning"]),
      Machine(preparation: ":", wrapper: ["prlimit", "--nofile=50"], findings: ["open-files": "serious"]),
      Machine(preparation: ":", wrapper: ["prlimit", "--nproc=60"], findings: ["processes": "warning"]),
      // The copy's configuration still names the folder that it was copied from.
      Machine(preparation: disk("size=100m"), home: copy, findings: ["disk": "warning"]),
      Machine(preparation: disk("size=8m"), home: copy, findings: ["disk": "serious"]),
      Machine(preparation: disk("size=900m,nr_inodes=500"), home: copy, findings: ["disk": "warning"]),
      Machine(preparation: disk("size=900m,nr_inodes=45"), home: copy, findings: ["disk": "serious"]),
      Machine(
        preparation: other.replacing("SHELL", with: "/usr/sbin/nologin"), findings: ["login-shell": "serious"]),
      Machine(preparation: other.replacing("SHELL", with: "/bin/gone"), findings: ["login-shell": "serious"]),
    ]
  }

  @Test func eachFindingOfTheMachine() throws {
    try Lab.with { lab in
      try lab.initHostA()
      try lab.leaseOnHostA(2)
      let root = Account(name: "root", home: lab.folder, uid: 0, passwd: lab.hostA.passwd)
      let uid = try #require(lab.hostA.uid)
      // `run` is not there, so that the limits are doctor's own.
      let always = ["run": "warning", "sshd-listener": "serious"]
      for machine in machines(lab) {
        let home = machine.home ?? lab.serverHome.path
        let answer = try lab.hostDoctor(
          "--home", home,
          wrapper: ["sh", "-c", "\(machine.preparation) || exit 9; exec \"$@\"", "sh"]
            + ["setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", "--inh-caps=-all"]
            + machine.wrapper,
          as: root, environment: lab.hostA.environment([:]))
        var expected = machine.findings.merging(always) { $1 }
        if machine.home != nil {
          expected["sshd-config"] = "warning"
          expected["authorizedkeysfile"] = "serious"
        }
        #expect(answer.says(expected), "\(machine)\n\(answer.outcome)")
      }
    }
  }

  @Test func anotherAccountListensOnOurPorts() throws {
    try Lab.with { lab in
      try lab.initHostA()
      try lab.leaseOnHostA(1)
      for (port, code) in [(lab.ports.leases.lowerBound, "foreign-listeners"), (lab.ports.hostA, "sshd-listener")] {
        let squatter = try Squatter(port: port)
        let answer = try lab.hostDoctor()
        #expect(
          answer.severities[code] == "serious" && answer.outcome.output.contains("account root"), "\(answer.outcome)")
        squatter.leave()
      }
      try lab.runHostA()
      #expect(try lab.hostDoctor().says([:]))
    }
  }
}
