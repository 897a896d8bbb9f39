// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "fleet",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "fleet", targets: ["fleet"]),
    .executable(name: "fleet-agent", targets: ["FleetAgent"]),
    .executable(name: "fleet-server", targets: ["FleetServer"]),
    // Makes the manual pages; it is not installed.
    .executable(name: "fleet-manual", targets: ["FleetManual"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .target(name: "FleetProtocol"),
    // What a program says of its own commands: completions and manual pages are made from it.
    .target(name: "CommandGrammar", dependencies: ["FleetProtocol"]),
    .target(name: "FleetSSH", dependencies: ["CLibSSH2", "CKeystream"]),
    // No pkgConfig: it would put -L/usr/lib/... before the folder of static libraries that a release build names.
    .systemLibrary(name: "CLibSSH2", providers: [.apt(["libssh2-1-dev", "libssl-dev"])]),
    .target(name: "CKeystream"),
    .target(name: "CLinux"),
    .target(name: "CDescriptorPassing"),
    // Calls SQLite itself, which GRDB brings along.
    .target(name: "CRegistryFile", linkerSettings: [.linkedLibrary("sqlite3")]),

    .executableTarget(
      name: "FleetServer",
      dependencies: [
        "FleetProtocol", "CLinux", "CRegistryFile",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "FleetAgent",
      dependencies: ["FleetProtocol", "FleetSSH"]),
    .executableTarget(
      name: "FleetManual",
      dependencies: ["FleetProtocol", "CommandGrammar"]),
    .executableTarget(
      name: "fleet",
      dependencies: [
        "FleetProtocol", "CommandGrammar", "CDescriptorPassing",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .testTarget(name: "FleetProtocolTests", dependencies: ["FleetProtocol"]),
    // Not tests themselves: how a test starts a program, and an sshd for one test.
    .target(name: "TestProcesses", path: "Tests/TestProcesses"),
    .target(name: "ThrowawaySSHD", dependencies: ["TestProcesses"], path: "Tests/ThrowawaySSHD"),
    .testTarget(name: "FleetSSHTests", dependencies: ["FleetSSH", "ThrowawaySSHD"]),
    .testTarget(
      name: "FleetServerTests",
      dependencies: [
        "FleetServer", "FleetProtocol", "CLinux", "TestProcesses", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      // Compiled by the tests that preload it into fleet-server.
      exclude: ["PowerLoss/file_calls.c"]),
    .testTarget(
      name: "FleetAgentTests",
      dependencies: ["FleetAgent", "FleetProtocol", "FleetSSH", "CLibSSH2", "TestProcesses", "ThrowawaySSHD"]),
    .testTarget(name: "FleetManualTests", dependencies: ["FleetManual", "CommandGrammar"]),
    .testTarget(
      name: "FleetTests",
      dependencies: [
        "fleet", "FleetProtocol", "CommandGrammar", "CDescriptorPassing", "TestProcesses", "ThrowawaySSHD",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["FleetProtocol", "CLibSSH2", "TestProcesses", .product(name: "GRDB", package: "GRDB.swift")],
      // Compiled by the tests that preload them into an agent.
      exclude: ["SlowFork", "WallClock"]),
    .testTarget(name: "LayeringTests"),
    // The targets of `make fuzz`, replayed.
    .testTarget(
      name: "FuzzingTests", dependencies: ["FleetProtocol", "FleetSSH", "FleetAgent", "FleetServer", "fleet"],
      path: "Fuzzing", exclude: ["Corpus", "LibFuzzer", "build.sh", "fuzz.sh", "words.dict"]),
  ]
)

// One set of rules for every Swift target: what a file imports is what it may use, and a warning stops the build.
for target in package.targets where target.type != .system && !target.name.hasPrefix("C") {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
  ]
}
