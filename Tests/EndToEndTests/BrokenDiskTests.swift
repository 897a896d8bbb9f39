import Foundation
import GRDB
import Testing

/// The registry, or the disk that it is on, cannot be used. Devices come back; changes are refused as a whole.
@Suite(.serialized) struct BrokenDiskTests {
  @Test func aLockedRegistryKeepsNoDeviceOut() throws {
    try Lab.with { lab in
      let (_, _, configuration) = try lab.startKitchenPi()
      let before = try lab.lastingState()
      // Open already in this process, as copying the files would end its locks.
      let registry = try DatabaseQueue(path: lab.serverHome.appending(path: "registry.db").path)
      try registry.inDatabase { db in
        try db.execute(sql: "BEGIN IMMEDIATE")
        let begin = Date()
        let changes = try lab.startChanges("kitchen-pi")
        try lab.comesBackTwice("kitchen-pi", configuration: configuration)
        try lab.areRefused(changes, by: ["registry-busy"])
        #expect(Date().timeIntervalSince(begin) > 20, "they were given time")
        // Longer than any of them waits.
        try eventually("30 s are over", within: 60) { Date().timeIntervalSince(begin) >= 30 }
        #expect(try lab.state("kitchen-pi") == "online")
        try db.execute(sql: "ROLLBACK")
      }
      try registry.close()
      #expect(try lab.lastingState() == before)
      try lab.changesWork()
    }
  }

  @Test(.enabled(if: getuid() == 0, "a disk of its own needs root"))
  func aReadOnlyRegistryKeepsNoDeviceOut() throws {
    try Lab.with { lab in
      try lab.giveHostAItsOwnDisk(size: "16m")
      let (server, first, configuration) = try lab.startKitchenPi()
      let before = try lab.lastingState()
      let registry = lab.serverHome.appending(path: "registry.db").path
      try lab.succeed(lab.hostA, ["chmod", "0400", registry])
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.areRefused(try lab.startChanges("kitchen-pi"), by: ["registry-unavailable"])
      #expect(try lab.lastingState() == before)
      try lab.succeed(lab.hostA, ["chmod", "0600", registry])
      try lab.changesWork()

      // Now all of it, as after an error of the disk. A new agent waits for nothing that was before.
      #expect(first.stop() == 0)
      try lab.startAgent("kitchen-pi", configuration: configuration)
      let second = try lab.lastingState()
      let home = lab.serverHome.path
      try lab.inHostAsMounts(["mount", "--bind", home, home])
      try lab.inHostAsMounts(["mount", "-o", "remount,bind,ro", home])
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.areRefused(try lab.startChanges("kitchen-pi"), by: ["registry-unavailable", "io-failed"])
      // Also the watch may begin then, and devices come back to its sshd.
      let holder = try lab.portHolder(lab.ports.leases.lowerBound)
      #expect(server.stop() == 0)
      let next = try lab.runHostA()
      try lab.isBack("kitchen-pi", after: holder)
      #expect(try lab.lastingState() == second)
      #expect(!lab.inMemory.isEmpty)
      #expect(next.stop() == 0)
      try lab.inHostAsMounts(["umount", home])
      try lab.runHostA()
      try lab.isBack("kitchen-pi", after: nil)
      try lab.changesWork()
      #expect(lab.inMemory.isEmpty, "what was kept in memory is on the disk again")
    }
  }

  @Test(.enabled(if: getuid() == 0, "a disk of its own needs root"))
  func aFullDiskKeepsNoDeviceOut() throws {
    try Lab.with { lab in
      try lab.giveHostAItsOwnDisk(size: "4m")
      let (server, _, configuration) = try lab.startKitchenPi()
      let before = try lab.lastingState()
      let filler = lab.serverHome.appending(path: "filler").path
      try lab.succeed(lab.hostA, ["sh", "-c", "cat /dev/zero >\"$1\" || [ -s \"$1\" ]", "sh", filler])
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.areRefused(try lab.startChanges("kitchen-pi"), by: ["registry-unavailable", "io-failed"])
      #expect(try lab.lastingState() == before)
      #expect(!lab.inMemory.isEmpty)
      #expect(server.wait(0) == nil)
      let holder = try #require(try lab.portHolder(lab.ports.leases.lowerBound))
      try lab.succeed(lab.hostA, ["rm", filler])
      #expect(kill(holder, SIGTERM) == 0)
      try lab.isBack("kitchen-pi", after: holder)
      #expect(lab.inMemory.isEmpty, "what was kept in memory is on the disk again")
      try lab.changesWork()
    }
  }
}
