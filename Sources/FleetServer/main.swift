import Glibc

// Whatever is made here is for this account alone.
umask(0o077)

// Key lines come first: they are the hot path, and they load neither the argument parser nor the registry.
let arguments = Array(CommandLine.arguments.dropFirst())
if let line = ForcedCommandLine(arguments) {
  exit(ForcedCommandProcess.run(line))
}
exit(FleetServerCommand.start(arguments))
