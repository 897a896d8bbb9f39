#!/bin/sh
# Unpacks promtool, which checks metrics, from Debian's package of Prometheus: the package itself would bring a daemon.
# usage: promtool.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ ! -x "$folder/promtool" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

if ! apt-get download -qq prometheus 2>/dev/null; then
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  $as_root apt-get update -qq
  apt-get download -qq prometheus
fi
dpkg-deb -x prometheus_*.deb .
cp usr/bin/promtool "$folder/promtool.new"
mv "$folder/promtool.new" "$folder/promtool"
echo "bootstrap: promtool is in $folder"
