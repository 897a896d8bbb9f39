import Foundation
import Testing

/// A box whose disk cannot be written, or must not be worn out: the agent needs its two files, and makes none.
@Suite(.serialized) struct ReadOnlyDiskTests {
  @Test(.enabled(if: readOnlyDiskWanted, "file systems cannot be mounted here: run as root"))
  func theAgentWorksOnAReadOnlyDisk() throws {
    if let obstacle = ReadOnlyDisk.obstacle {
      Issue.record("a read-only disk cannot be made: \(obstacle)")
      return
    }
    try Lab.with { lab in
      let (_, configuration) = try lab.prepareKitchenPi()
      var box = lab.box
      box.hasReadOnlyDisk = true
      let agent = try lab.start(
        box, ["sh", "-c", "exec \"$@\" >/tmp/log 2>&1", "sh", "fleet-agent", "run", "--config", configuration.path])
      try lab.online("kitchen-pi", agent: agent)
      let seen = "/proc/\(agent.pid)/root"
      for path in ["/", "/etc", "/var", configuration.path, Programs.path("fleet-agent")] {
        #expect(ReadOnlyDisk.isReadOnly(seen + path), "\(path) can be written")
      }
      #expect(!ReadOnlyDisk.isReadOnly(seen + "/tmp"))

      let written = try ReadOnlyDisk.writtenBytes(agent.pid)
      try lab.loseAndRegainSession("kitchen-pi")
      let log = try String(contentsOfFile: seen + "/tmp/log", encoding: .utf8)
      #expect(log.contains("up"), "its log is in memory: \(log)")
      let memory = try ReadOnlyDisk.fileSystem(of: seen + "/tmp")
      #expect(try Set(ReadOnlyDisk.fileSystemsOpenForWriting(agent.pid)) == [memory])
      #expect(try ReadOnlyDisk.writtenBytes(agent.pid) == written)
      #expect(agent.stop() == 0)
    }
  }

  /// The same where it could write: nothing is written that a read-only disk would only have hidden.
  @Test func theAgentWritesNothingToADiskThatItCouldWrite() throws {
    try Lab.with { lab in
      let (_, configuration) = try lab.prepareKitchenPi()
      let agent = try lab.start(
        lab.box,
        ["sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh", "fleet-agent", "run", "--config", configuration.path]
      )
      try lab.online("kitchen-pi", agent: agent)
      // The one thing that it writes: a key of its own in the place of the bundle's.
      let folder = configuration.deletingLastPathComponent().path
      let id = try lab.device("kitchen-pi")?["id"] as? String ?? ""
      try eventually("the bundle's key is replaced") {
        try lab.audit(of: id).filter { $0.hasSuffix("rotate-key") }.count == 2
          && !FileManager.default.fileExists(atPath: "\(folder)/id_ed25519.new")
      }
      try lab.online("kitchen-pi", agent: agent)
      let files = try ReadOnlyDisk.files(in: folder)
      #expect(files.count > 2)
      let written = try ReadOnlyDisk.writtenBytes(agent.pid)
      try lab.loseAndRegainSession("kitchen-pi")
      #expect(try ReadOnlyDisk.fileSystemsOpenForWriting(agent.pid).isEmpty)
      #expect(try ReadOnlyDisk.writtenBytes(agent.pid) == written)
      #expect(try ReadOnlyDisk.files(in: folder) == files)
    }
  }
}

extension Lab {
  /// HostA ends the device's session, and the device comes back; before and after, the laptop reaches it.
  fileprivate func loseAndRegainSession(_ name: String) throws {
    #expect(try fleetSucceeds("ssh", name, "echo reached") == "reached\n")
    let before = try carryingSSHD()
    #expect(kill(before, SIGTERM) == 0)
    try eventually("\(name) is back on another connection") {
      try carryingSSHD() != before && state(name) == "online"
    }
    #expect(try fleetSucceeds("ssh", name, "echo reached again") == "reached again\n")
  }
}
