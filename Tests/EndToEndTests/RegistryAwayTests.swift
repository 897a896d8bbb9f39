import Foundation
import Testing

/// The registry is for what must last; a device must not need it to come back.
@Suite(.serialized) struct RegistryAwayTests {
  @Test func aDeviceClaimsItsPortWithoutTheRegistry() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      #expect(agent.stop() == 0)
      let registry = lab.serverHome.appending(path: "registry.db")
      let away = lab.serverHome.appending(path: "registry.away")
      try FileManager.default.moveItem(at: registry, to: away)
      try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
      try eventually("the agent calls its tunnel up", within: 20) {
        try lab.run(lab.box, ["fleet-agent", "status", "--config", configuration.path]).status == 0
      }
      // An operator's request does need it, and says so instead of making an empty one.
      let refused = try lab.fleet("list")
      #expect(refused.status == 1 && refused.error.contains("init"), "\(refused)")
      #expect(!FileManager.default.fileExists(atPath: registry.path))

      try FileManager.default.moveItem(at: away, to: registry)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
    }
  }
}
