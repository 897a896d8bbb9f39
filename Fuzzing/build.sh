#!/bin/sh
# usage: Fuzzing/build.sh FOLDER   makes FOLDER/fuzz: all targets in one program, optimised and watched by libFuzzer
#
# Of each module only the files are compiled that the targets look at, and those that these need: neither a database nor an
# SSH library has to be built for it, and all of the program's branches are branches of what is looked at.
set -eu
cd "$(dirname "$0")/.."
out=$1
mkdir -p "$out"

agent='HostKeyLines MachineIdentity NetworkChanges OpenSSHPrivateKey StatusReport'
server='
  Command/ForcedCommandLine Device/ClaimHistory Device/KeyCutoff Device/NamedKeys Device/SessionRecord Files/BootFile
  Files/FileReading Files/FileReplacement Files/FileWriting Files/FolderListing Files/MemoryFolder Home/FolderTrust Home/Home
  Home/HomeFolder Home/HostSettings Home/ListenAddress Home/SafePath Home/WallClockRule Kernel/IPAddress
  Kernel/ProcessIdentity Kernel/ProcessStat Kernel/SSHConnection Kernel/SocketDiagnosticsMessage Kernel/SocketTable
  KeyFile/KeyFileText KeyFile/KeyLine KeyFile/ManagedBlock Run/MaxStartups Run/RunRecord Run/SSHDConfiguration
  Device/ReconnectWindow
'
laptop='
  Bundle/GzipMember Bundle/TarArchive Configuration/Configuration Configuration/FleetPaths Configuration/KnownHosts
  Configuration/LoginTarget Device/DeviceLogin Device/HandedConnections Device/HostKeyRule Device/PinnedKeys
  Device/SSHCommandLine Device/SessionOptions Device/ShownHostKey Doctor/SSHTrace Exec/CappedOutput Exec/ExecOutcome
  Exec/ExecSchedule Exec/LastExecution Exec/LinePrefixer Exec/OutputText Exec/QueuedHere HostA/ConnectionReuse
  HostA/HostConnectionArguments HostA/HostKeyScan HostA/HostUnreachable HostA/KeyFingerprint HostA/LaptopKeys
  HostA/SSHFailure HostA/SSHOptionValue HostSetup/HostSetupFacts Image/CloudInitUserData Inventory/AnsibleGroups
  Inventory/AnsibleInventory Listing/DeviceDetails Listing/DeviceField Listing/DeviceFormat Listing/DeviceTable
  Listing/DisplayWidth Listing/KnownDevicesFile Listing/LogTable Listing/RelativeTime Listing/TableFit
  Listing/TerminalSize Listing/TerminalStyle Listing/TextTable Many/CSV Many/DeviceList Monitoring/FleetMetrics
  Monitoring/PrometheusText PlainSSH/FleetHostName PlainSSH/IncludeLine PlainSSH/LoginBook
  PlainSSH/PlainSSHConfiguration Provisioning/BoxFacts Provisioning/BoxScript Provisioning/BoxTarget
  Provisioning/DropbearKey Provisioning/ELFMachine Provisioning/ProbeAnswer Provisioning/RehearsalProof
  System/Descriptor System/FileStore System/LaptopEnvironment System/LastLine System/Platform System/ScalarReplacement
  System/ShellWord System/ShortOptions System/SystemError
'

files() {
  folder=$1
  shift
  for file in "$@"; do echo "Sources/$folder/$file.swift"; done
}

# module NAME FILE...: an object, and what others need to import it
module() {
  name=$1
  shift
  swiftc -O -wmo -sanitize=fuzzer -parse-as-library -enable-testing -swift-version 6 \
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility \
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature NonisolatedNonsendingByDefault \
    -I "$out" -Xcc -fmodule-map-file="$out/CLinux.modulemap" -module-name "$name" \
    -emit-module -emit-module-path "$out/$name.swiftmodule" -c "$@" -o "$out/$name.o"
}

printf 'module CLinux { header "%s/Sources/CLinux/include/CLinux.h" export * }\n' "$PWD" >"$out/CLinux.modulemap"
clang -O1 -fsanitize=fuzzer-no-link -I Sources/CLinux/include -c Sources/CLinux/CLinux.c -o "$out/CLinux.o"
module FleetProtocol Sources/FleetProtocol/*.swift
module FleetSSH Sources/FleetSSH/ServerPreface.swift Sources/FleetSSH/SSHKeyBlob.swift
# shellcheck disable=SC2046,SC2086 # the lists are words, and no path has a blank
{
  module FleetAgent $(files FleetAgent $agent)
  module FleetServer $(files FleetServer $server)
  module fleet $(files fleet $laptop)
}
module Fuzzing Fuzzing/Targets/*.swift Fuzzing/LibFuzzer/*.swift
swiftc -sanitize=fuzzer "$out"/*.o -o "$out/fuzz"
