#!/bin/sh
# Checks the systemd units: that systemd understands every line, and how much the system services may do.
# systemd-analyze's exposure goes from 0 (nothing) to 10 (everything); 2.5 and above fails.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

command -v systemd-analyze >/dev/null || {
  echo "check-units: skipped, systemd-analyze is not here (it is in the package systemd)"
  exit 0
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# verify wants to see the programs, which are not installed where this runs.
copy() { sed 's|^ExecStart=[^ ]*/fleet-[a-z]* |ExecStart=/bin/true |' "$1" >"$folder/${1##*/}"; }
understood() {
  # A manager of an account wants its folder below /run, which a build has not.
  said=$(XDG_RUNTIME_DIR=$folder systemd-analyze "$@" 2>&1) || said="status $? $said"
  if [ -n "$said" ]; then
    printf 'check-units: %s:\n%s\n' "$*" "$said" >&2
    exit 1
  fi
}

for unit in device/fleet-agent.service server/fleet-server.service; do
  copy "$here/$unit"
  understood verify "$folder/${unit##*/}"
  if ! said=$(systemd-analyze security --offline=true --threshold=24 --no-pager "$here/$unit"); then
    printf '%s\n' "$said" | grep -v '^✓' >&2
    echo "check-units: $unit may do too much" >&2
    exit 1
  fi
  echo "check-units: $unit: exposure $(printf '%s\n' "$said" | sed -n 's/.*Overall exposure.*: \([0-9.]*\) .*/\1/p')"
done
for unit in device/fleet-agent-user.service server/fleet-server-user.service; do
  copy "$here/$unit"
  understood --user verify "$folder/${unit##*/}"
done
