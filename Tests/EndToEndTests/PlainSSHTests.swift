import Foundation
import Testing

/// `fleet config-ssh`: everything that speaks ssh reaches a device as NAME.fleet, by the real programs.
@Suite(.serialized) struct PlainSSHTests {
  @Test func toolsThatSpeakSSHReachADeviceByItsName() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      let file = lab.laptop.home.appending(path: ".ssh/config")
      let before = ((try? String(contentsOf: file, encoding: .utf8)) ?? "") + "# mine\nHost *\n\tServerAliveInterval 77"
      try lab.write(before, to: ".ssh/config", of: lab.laptop, mode: 0o640)
      let rehearsed = try lab.fleetSucceeds("config-ssh", "--dry-run")
      #expect(rehearsed.contains("\n+Include \"") && rehearsed.contains("\n+Host *.fleet"), "\(rehearsed)")
      #expect(try String(contentsOf: file, encoding: .utf8) == before)
      try lab.fleetSucceeds("config-ssh")
      let block = lab.laptop.home.appending(path: ".local/state/fleet/ssh_config")
      let after = try String(contentsOf: file, encoding: .utf8)
      #expect(after == "Include \"\(block.path)\"\n" + before)
      #expect(try lab.fleetSucceeds("config-ssh", "--print") == String(contentsOf: block, encoding: .utf8))
      #expect(try lab.fleet("config-ssh").error.contains("as before"))

      try lab.expectPlainSSH()
      try lab.expectCopies()
      try lab.expectGit()
      try lab.expectAnsible()
      try lab.expectEditor()
      try lab.expectRefusedNames()

      try lab.fleetSucceeds("config-ssh", "--remove")
      #expect(try String(contentsOf: file, encoding: .utf8) == before)
      #expect(!FileManager.default.fileExists(atPath: block.path))
      #expect(try lab.run(lab.laptop, ["ssh", "-G", "kitchen-pi.fleet"]).output.contains("\nserveraliveinterval 77\n"))
    }
  }

  /// The account of a device is another one now: ssh was told the old one, hears it, and is told the new one next time.
  @Test func theAccountOfADeviceFollowsTheRegistry() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.fleetSucceeds("config-ssh")
      try lab.write("Host kitchen-pi.fleet\n  User olduser\n", to: ".local/state/fleet/ssh_logins", of: lab.laptop)
      let told = try lab.run(lab.laptop, ["ssh", "-o", "BatchMode=yes", "kitchen-pi.fleet", "id -un"])
      #expect(told.error.contains("log in to kitchen-pi as \(lab.box.name) now, not as olduser"), "\(told)")
      let next = try lab.run(lab.laptop, ["ssh", "kitchen-pi.fleet", "id -un"])
      #expect(next.output == "\(lab.box.name)\n" && next.error.isEmpty, "\(next)")
    }
  }
}

extension Lab {
  private func sh(_ script: String, input: String = "") throws -> Outcome {
    try run(laptop, ["sh", "-c", script], input: input, within: 120)
  }

  fileprivate func expectPlainSSH() throws {
    let settings = try succeed(laptop, ["ssh", "-G", "kitchen-pi.fleet"]).split(separator: "\n").map(String.init)
    for line in ["user \(box.name)", "userknownhostsfile /dev/null", "serveraliveinterval 77", "updatehostkeys false"] {
      #expect(settings.contains(line), "\(line)")
    }
    #expect(
      settings.contains { $0.hasPrefix("stricthostkeychecking ") && ($0.hasSuffix("true") || $0.hasSuffix("yes")) })
    #expect(settings.contains { $0.hasPrefix("proxycommand '/") && $0.hasSuffix(" proxy --pass '%n'") })
    let plain = try run(laptop, ["ssh", "kitchen-pi.fleet", "id -un; cat; exit 7"], input: "a\0b")
    #expect(plain.output == "\(box.name)\na\0b" && plain.status == 7 && plain.error.isEmpty, "\(plain)")
  }

  fileprivate func expectCopies() throws {
    let copies = try sh(
      """
      set -e
      ssh=$(command -v ssh)
      head -c 300000 /dev/urandom >'a file'
      scp -q -S "$ssh" 'a file' kitchen-pi.fleet:by-scp
      scp -q -S "$ssh" kitchen-pi.fleet:by-scp back-1
      echo 'get by-scp back-2' | sftp -q -S "$ssh" -b - kitchen-pi.fleet
      rsync -a 'a file' kitchen-pi.fleet:by-rsync
      rsync -a kitchen-pi.fleet:by-rsync back-3
      for n in 1 2 3; do cmp 'a file' back-$n; done
      echo same
      """)
    #expect(copies.status == 0 && copies.output.hasSuffix("same\n") && copies.error.isEmpty, "\(copies)")
  }

  fileprivate func expectGit() throws {
    try succeed(box, ["git", "init", "-q", "--bare", "-b", "main", "site.git"])
    let git = try sh(
      """
      set -e
      git clone -q ssh://kitchen-pi.fleet\(box.home.path)/site.git work 2>/dev/null
      cd work
      echo hello >page
      git add page
      git -c user.name=me -c user.email=me@example.org commit -q -m first
      git push -q origin HEAD:main
      git clone -q kitchen-pi.fleet:site.git ../again
      cat ../again/page
      """)
    #expect(git.status == 0 && git.output == "hello\n" && git.error.isEmpty, "\(git)")
  }

  fileprivate func expectAnsible() throws {
    try write("[kiosks]\nkitchen-pi.fleet\n", to: "inventory", of: laptop)
    // Its own connection, which it keeps for the next task, is to be gone when the lab closes.
    let environment = [
      "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=3s", "ANSIBLE_NOCOLOR": "1",
      "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
      // The lab's sshd on the box is not root's and cannot hand over a terminal.
      "ANSIBLE_SSH_USETTY": "false",
    ]
    func ansible(_ arguments: String...) throws -> Outcome {
      try run(laptop, ["ansible", "-i", "inventory"] + arguments, environment: environment, within: 180)
    }
    let ping = try ansible("kiosks", "-m", "ping")
    #expect(ping.status == 0 && ping.output.contains("kitchen-pi.fleet | SUCCESS"), "\(ping)")
    let command = try ansible("all", "-m", "command", "-a", "id -un")
    #expect(command.status == 0 && command.output.hasSuffix("\n\(box.name)\n"), "\(command)")
  }

  /// As an editor works on a device: one ssh with a local SOCKS port, no terminal, and a shell that reads its script.
  fileprivate func expectEditor() throws {
    let port = ports.box(8)
    let script = """
      echo "begin: $(id -un)"
      mkdir -p ~/.editor-server && echo 1.0 >~/.editor-server/version
      i=0; while [ ! -e ~/.editor-server/stop ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
      echo "end: $(cat ~/.editor-server/version)"

      """
    let file = try write(script, to: "editor-script", of: laptop)
    let editor = try start(
      laptop, ["sh", "-c", "exec ssh -T -D \(port) kitchen-pi.fleet bash <\"$1\"", "sh", file.path])
    try eventually("the editor's script runs\n\(editor.error)") { editor.output.contains("begin: \(box.name)\n") }
    #expect(PortBlock.isListening(port))
    try succeed(box, ["touch", ".editor-server/stop"])
    #expect(editor.wait(60) == 0 && editor.output.hasSuffix("end: 1.0\n") && editor.error.isEmpty, "\(editor.error)")
  }

  fileprivate func expectRefusedNames() throws {
    let logins = laptop.home.appending(path: ".local/state/fleet/ssh_logins")
    let book = try String(contentsOf: logins, encoding: .utf8)
    for (name, sentence) in [
      ("Kitchen-Pi.fleet", "fleet: 'Kitchen-Pi' is not a device name"),
      ("kitchen-pie.fleet", "did you mean kitchen-pi?"),
      ("kitchen-pi.elsewhere.fleet", "knows no HostA that is called 'elsewhere'"),
    ] {
      let refused = try run(laptop, ["ssh", name, "true"])
      #expect(refused.status == 255 && refused.error.contains(sentence), "\(name): \(refused)")
      #expect(refused.error.components(separatedBy: "fleet: ").count == 2, "said once: \(refused)")
    }
    for name in ["a'$(touch sprung)'.fleet", "$(touch sprung).fleet", "a;touch sprung;.fleet"] {
      #expect(try run(laptop, ["ssh", "-o", "ConnectTimeout=5", name, "true"]).status == 255, "\(name)")
    }
    #expect(!FileManager.default.fileExists(atPath: laptop.home.appending(path: "sprung").path))
    #expect(try String(contentsOf: logins, encoding: .utf8) == book)
  }
}
