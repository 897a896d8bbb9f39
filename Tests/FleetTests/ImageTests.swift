import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct ImageTests {
  private static let rootFolders: Set<String> = ["etc", "usr", "etc/systemd", "etc/systemd/system"]

  @Test func whatIsMountedIsTold() throws {
    let root = ImageLayout.Facts(files: ["lib/systemd/systemd"], folders: Self.rootFolders)
    #expect(try ImageLayout(root, mountpoint: "/m") == .rootFileSystem)
    let boot = ImageLayout.Facts(files: ["user-data", "cmdline.txt"])
    #expect(try ImageLayout(boot, mountpoint: "/m") == .bootPartition)
  }

  @Test(
    arguments: [
      (ImageLayout.Facts(isFolder: false), "not a folder"),
      (ImageLayout.Facts(isRunningSystem: true, files: ["user-data"]), "runs here"),
      (ImageLayout.Facts(files: ["cmdline.txt", "config.txt"]), "no user-data"),
      (ImageLayout.Facts(), "neither"),
      (ImageLayout.Facts(folders: rootFolders), "no systemd"),
      (ImageLayout.Facts(files: ["usr/lib/systemd/systemd"], folders: ["etc", "usr"]), "no systemd"),
    ])
  func whatCannotBeUsedIsNamed(_ facts: ImageLayout.Facts, _ message: String) {
    let refusal = #expect(throws: Refusal.self) { try ImageLayout(facts, mountpoint: "/m") }
    #expect(refusal?.message.contains(message) == true)
  }

  @Test func theRunningSystemIsNoImage() {
    for mountpoint in ["/", "//", "/etc", "/usr/", "/proc/self/root"] {
      let refusal = #expect(throws: Refusal.self) {
        try MountedImage(mountpoint, files: DeviceFiles(folder: Checkout.deviceFiles), isAgentGiven: false)
      }
      #expect(refusal?.message.contains("runs here") == true, "\(mountpoint)")
    }
  }

  @Test func raspberryPisTellTheirMachine() {
    let files: Set<String> = ["user-data", "config.txt", "kernel8.img"]
    #expect(ImageLayout.raspberryPiMachine(.init(files: files), config: "") == "aarch64")
    #expect(ImageLayout.raspberryPiMachine(.init(files: files), config: "#x\narm_64bit = 0\r\n") == "armv7l")
    #expect(ImageLayout.raspberryPiMachine(.init(files: ["config.txt"]), config: "") == "armv7l")
    #expect(ImageLayout.raspberryPiMachine(.init(files: ["user-data"]), config: "") == nil)
  }

  // MARK: user-data

  private static let script = Array("#!/bin/sh\necho first boot\n".utf8)

  /// The parts that Python's mail parser finds, as cloud-init uses it: a line with the type, and the bytes in base64.
  private func parts(of userData: [UInt8]) throws -> [String] {
    let program = """
      import base64, email, sys
      message = email.message_from_string(sys.stdin.buffer.read().decode())
      for part in message.walk():
          if part.get_content_maintype() != "multipart":
              print(part.get_content_type(), base64.b64encode(part.get_payload(decode=True)).decode())
      """
    let outcome = try Subprocess.run(["/usr/bin/python3", "-c", program], input: .bytes(userData))
    #expect(outcome.status == 0, "\(outcome.errorText)")
    return outcome.text.split(separator: "\n").map(String.init)
  }

  private func part(_ type: String, _ text: String) -> String { "\(type) \(Base64.encode(Array(text.utf8)))" }
  private var scriptPart: String { part("text/x-shellscript", "#!/bin/sh\necho first boot\n") }

  @Test(
    .enabled(if: FileStore.exists("/usr/bin/python3")),
    arguments: [
      ("#cloud-config\nhostname: pi\nruncmd:\n  - [ls]\n", "text/cloud-config"),
      ("#cloud-config\r\nhostname: pi\r\n", "text/cloud-config"), ("#cloud-config\nno end", "text/cloud-config"),
      ("#cloud-config\nhostname: küche\n", "text/cloud-config"), ("#!/bin/sh\necho hi\n", "text/x-shellscript"),
      ("#include\nhttps://example.org/x\n", "text/x-include-url"),
      ("## template: jinja\n#cloud-config\n", "text/jinja2"),
    ])
  func whatStandsThereStaysAsItIs(_ text: String, _ type: String) throws {
    let extended = try CloudInitUserData.extended(Array(text.utf8), script: Self.script)
    #expect(try parts(of: extended) == [part(type, text), scriptPart])
    #expect(try CloudInitUserData.extended(extended, script: Self.script) == extended)
    let other = try CloudInitUserData.extended(extended, script: Array("#!/bin/sh\n".utf8))
    #expect(try parts(of: other) == [part(type, text), part("text/x-shellscript", "#!/bin/sh\n")])
  }

  @Test(.enabled(if: FileStore.exists("/usr/bin/python3"))) func emptyUserDataGetsTheScriptAlone() throws {
    #expect(try parts(of: CloudInitUserData.extended(Array("\n".utf8), script: Self.script)) == [scriptPart])
  }

  @Test(.enabled(if: FileStore.exists("/usr/bin/python3"))) func aMessageOfPartsBecomesAPart() throws {
    let message = """
      Content-Type: multipart/mixed; boundary="x"
      MIME-Version: 1.0

      --x
      Content-Type: text/cloud-config

      #cloud-config
      --x
      Content-Type: text/x-shellscript

      #!/bin/sh
      --x--

      """
    let extended = try CloudInitUserData.extended(Array(message.utf8), script: Self.script)
    #expect(
      try parts(of: extended) == [
        part("text/cloud-config", "#cloud-config"), part("text/x-shellscript", "#!/bin/sh"), scriptPart,
      ])
  }

  @Test(arguments: [Array("hostname: pi\n".utf8), [0x1F, 0x8B, 8], [0xFF, 0xFE, 0], Array("# only a comment\n".utf8)])
  func whatCannotBeExtendedIsLeftAlone(_ userData: [UInt8]) {
    let refusal = #expect(throws: Refusal.self) { try CloudInitUserData.extended(userData, script: Self.script) }
    #expect(refusal?.message.contains("cannot be extended safely") == true)
  }

  // MARK: writing

  private static let bundle = DeviceBundle(
    folderName: "fleet-agent-kitchen-pi", files: ["install.sh": Array("#!/bin/sh\n".utf8), "id_ed25519": [1]])

  private func image(_ root: String) throws -> MountedImage {
    try MountedImage(root, files: DeviceFiles(folder: Checkout.deviceFiles), isAgentGiven: true)
  }

  /// A root file system as far as it is looked at.
  static func makeRoot(_ root: String) throws {
    for folder in ["etc/systemd/system", "usr/lib/systemd", "usr/bin"] { try FileStore.makeFolder("\(root)/\(folder)") }
    try FileStore.replace("\(root)/usr/lib/systemd/systemd", with: [])
    try FileManager.default.copyItem(atPath: "/usr/bin/env", toPath: "\(root)/usr/bin/env")
  }

  @Test func aRootFileSystemGetsTheFolderAndAnEnabledUnit() throws {
    try Scratch.with { root in
      try Self.makeRoot(root)
      let image = try image(root)
      #expect(try image.machine == ELFMachine.name(inHead: FileStore.head(of: "/usr/bin/env", count: 20)))
      for _ in 0..<2 {
        try image.check()
        #expect(try image.place(Self.bundle) == "\(root)/etc/fleet-agent-first-boot")
        #expect(FileStore.names(in: "\(root)/etc") == ["fleet-agent-first-boot", "systemd"])
        #expect(
          FileStore.names(in: "\(root)/etc/fleet-agent-first-boot") == ["first-boot.sh", "id_ed25519", "install.sh"])
      }
      let system = "\(root)/etc/systemd/system"
      let link = "\(system)/multi-user.target.wants/fleet-agent-first-boot.service"
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: link)
          == "/etc/systemd/system/fleet-agent-first-boot.service")
      #expect(FileStore.exists("\(system)/fleet-agent-first-boot.service"))
    }
  }

  /// A file stands where a folder must be: everything that was begun is taken away again.
  @Test func whatFailsLeavesNothing() throws {
    try Scratch.with { root in
      try Self.makeRoot(root)
      try FileStore.replace("\(root)/etc/systemd/system/multi-user.target.wants", with: "in the way".utf8)
      let image = try image(root)
      #expect(throws: Refusal.self) { try image.place(Self.bundle) }
      #expect(FileStore.names(in: "\(root)/etc") == ["systemd"])
      #expect(FileStore.names(in: "\(root)/etc/systemd/system") == ["multi-user.target.wants"])
    }
    try Scratch.with { root in
      try FileStore.replace("\(root)/user-data", with: "#cloud-config\n".utf8)
      let image = try image(root)
      try FileStore.replace("\(root)/user-data", with: "changed meanwhile\n".utf8)
      #expect(throws: Refusal.self) { try image.check() }
      #expect(throws: Refusal.self) { try image.place(Self.bundle) }
      #expect(FileStore.names(in: root) == ["user-data"])
    }
  }

  @Test func aBootPartitionGetsTheFolderAndItsUserDataExtended() throws {
    try Scratch.with { root in
      try FileStore.replace("\(root)/user-data", with: "#cloud-config\nhostname: pi\n".utf8)
      let image = try image(root)
      _ = try image.place(Self.bundle)
      let userData = try FileStore.content(of: "\(root)/user-data") ?? []
      #expect(String(decoding: userData, as: UTF8.self).contains("hostname: pi\n"))
      _ = try image.place(Self.bundle)
      #expect(try FileStore.content(of: "\(root)/user-data") == userData)
      #expect(FileStore.names(in: root) == ["fleet-agent-first-boot", "user-data"])
    }
  }

  /// The script that waits on the disk: it installs, and takes itself away only when that went well.
  @Test func theFirstBootInstallsAndTidiesUp() throws {
    try Scratch.with { folder in
      let waiting = "\(folder)/fleet-agent-first-boot"
      let script = try DeviceFiles(folder: Checkout.deviceFiles).content(of: DeviceFiles.firstBoot)
      try FileStore.replace("\(waiting)/first-boot.sh", with: script)
      try FileStore.replace("\(waiting)/fleet-agent", with: "agent".utf8)
      for status in [1, 3] {
        try FileStore.replace(
          "\(waiting)/install.sh",
          with: "cd \"$(dirname \"$0\")\" && test -x fleet-agent && ls >'\(folder)/seen'; exit \(status)\n".utf8)
        #expect(try Subprocess.run(["sh", "\(waiting)/first-boot.sh"]).status == Int32(status))
        let seen = String(decoding: try FileStore.content(of: "\(folder)/seen") ?? [], as: UTF8.self)
        #expect(Set(seen.split(separator: "\n")) == ["first-boot.sh", "fleet-agent", "install.sh"])
        #expect(FileStore.exists(waiting) == (status == 1))
      }
    }
  }
}
