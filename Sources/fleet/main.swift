import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

signal(SIGPIPE, SIG_IGN)
exit(FleetCommand.run(Array(CommandLine.arguments.dropFirst())).rawValue)
