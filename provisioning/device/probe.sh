#!/bin/sh
# What 'fleet provision --to' asks a box before it writes anything there: NAME=VALUE lines on standard output.
#
# usage: probe.sh DEVICE SCOPE     SCOPE is 'auto', or 'user' for an install that leaves the system alone

set -u
device=$1
scope=$2

if [ "$(id -u)" -eq 0 ] && [ "$scope" = auto ]; then
  binary=/usr/local/bin/fleet-agent
  folder=/etc/fleet-agent
else
  binary=$HOME/.local/bin/fleet-agent
  folder=${XDG_CONFIG_HOME:-$HOME/.config}/fleet-agent
fi
stage=$HOME/fleet-agent-$device

# CRC and size; nothing for a file that is not there.
checksum() { [ ! -f "$1" ] || cksum <"$1" | sed 's/^\([0-9]*\)[[:space:]]*\([0-9]*\).*/\1 \2/'; }

# shellcheck disable=SC2086 # the variable holds four words
set -- ${SSH_CONNECTION:-}
services=none
if command -v crontab >/dev/null 2>&1; then services=cron; fi
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then services=systemd; fi

# The first line lets a reader pass over whatever the account's start-up files print.
echo "fleet-probe=1"
echo "system=$(uname -s)"
echo "machine=$(uname -m)"
echo "user=$(id -un)"
echo "services=$services"
echo "free_kb=$(df -Pk "$HOME" 2>/dev/null | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')"
echo "sshd_port=${4:-22}"
echo "stage=$stage"
echo "binary=$binary"
echo "folder=$folder"
echo "staged=$(checksum "$stage/fleet-agent")"
echo "installed=$(checksum "$binary")"
echo "device=$(sed -n 's/.*"name":"\([a-z0-9-]*\)".*/\1/p' "$folder/agent.json" 2>/dev/null)"
