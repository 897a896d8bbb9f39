#!/bin/sh
# Installs the agent whose files 'fleet' wrote to this box's disk before it was booted, and takes them off the disk again.
# fleet-agent-first-boot.service starts it, or cloud-init by cloud-init.sh. What fails is tried again at the next boot.

set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd -P)
# A boot partition may know no modes, and may not let programs run.
stage=$(mktemp -d /var/lib/fleet-agent.XXXXXX 2>/dev/null) || stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp "$here"/* "$stage/"
chmod 755 "$stage/fleet-agent"

status=0
sh "$stage/install.sh" || status=$?
# 3: it runs, and install.sh has said why it will not start at the next boot.
case $status in
0 | 3) ;;
*) exit "$status" ;;
esac

rm -rf "$here"
unit=/etc/systemd/system/fleet-agent-first-boot.service
if [ "$(id -u)" -eq 0 ] && [ -f "$unit" ]; then
  rm -f "$unit" /etc/systemd/system/multi-user.target.wants/fleet-agent-first-boot.service
fi
exit "$status"
