#!/bin/sh
# Installs what building, testing and the demo need on Debian 12, and nothing that is there already.
# It says what it does, asks for root through sudo only when something is missing, and enables no service.
set -eu

packages="libsqlite3-dev libssh2-1-dev libssl-dev zlib1g-dev openssh-server openssh-client iproute2 nftables
util-linux tar procps shellcheck dropbear-bin busybox systemd git rsync ansible-core"
# What a target needs beside that, such as the packaging tools of `make dist`.
packages="$packages ${BOOTSTRAP_PACKAGES:-}"

say() { printf 'bootstrap: %s\n' "$*"; }

command -v swift >/dev/null || {
  say "the Swift toolchain (6.2 or newer) is missing; see https://www.swift.org/install/linux/" >&2
  exit 1
}

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || {
  say "everything is installed"
  exit 0
}

command -v apt-get >/dev/null || {
  say "apt-get is not here; install the equivalents of:$missing" >&2
  exit 1
}

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    say "run as root, or install sudo, to get:$missing" >&2
    exit 1
  }
  as_root=sudo
fi

say "installing$missing${as_root:+ (with sudo)}"

# A policy-rc.d that answers 101 keeps the packages' scripts from starting a daemon while they are installed.
policy=/usr/sbin/policy-rc.d
made_policy=no
remove_policy() { [ "$made_policy" = no ] || $as_root rm -f "$policy"; }
trap remove_policy EXIT
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
  made_policy=yes
fi

$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # the list is split into words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing

# openssh-server's package enables ssh.service for the next start; whoever did not have it does not want it from us.
case "$missing" in
*openssh-server*)
  if command -v systemctl >/dev/null; then $as_root systemctl disable ssh.service ssh.socket >/dev/null 2>&1 || true; fi
  say "ssh.service was not started and is disabled; only its program /usr/sbin/sshd is used"
  ;;
esac
say "done"
