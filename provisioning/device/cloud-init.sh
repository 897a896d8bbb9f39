#!/bin/sh
# Put here by 'fleet': makes this box a device of a fleet when it is booted for the first time.
for boot in /boot/firmware /boot /boot/efi /media/boot; do
  if [ -f "$boot/fleet-agent-first-boot/first-boot.sh" ]; then
    exec sh "$boot/fleet-agent-first-boot/first-boot.sh"
  fi
done
echo "fleet-agent: the folder fleet-agent-first-boot of the boot partition is not there" >&2
exit 1
