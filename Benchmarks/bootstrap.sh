#!/bin/sh
# Installs what the benchmarks need on Debian 12 beyond provisioning/bootstrap.sh, and nothing that is there already.
set -eu

packages="autossh conntrack gcc libc6-dev python3-minimal python3 linux-perf"

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || {
  echo "Benchmarks/bootstrap.sh: apt-get is not here; install the equivalents of:$missing" >&2
  exit 1
}
as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo "Benchmarks/bootstrap.sh: installing$missing${as_root:+ (with sudo)}"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # the list is split into words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
