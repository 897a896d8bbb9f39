#!/bin/sh
# Makes the tarball and the Debian packages of the programs in a folder, for the machine that this runs on.
# usage: build.sh FOLDER-OF-THE-PROGRAMS OUTPUT-FOLDER
set -eu
umask 022
programs=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
rm -rf "${out:?}"/*
work=$out/work
mkdir "$work"
trap 'rm -rf "$work"' EXIT

fail() {
  echo "dist: $*" >&2
  exit 1
}

version=$("$programs/fleet-agent" --version | sed 's/.* //')
machine=$(uname -m)
architecture=$(dpkg --print-architecture)
maintainer=$(git -C "$checkout" log -1 --format='%an <%ae>' 2>/dev/null) || maintainer='fleet <root@localhost>'
# Every file gets the time of the last commit: the same sources make the same packages.
SOURCE_DATE_EPOCH=$(git -C "$checkout" log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

# --- the programs: without symbols, and with nothing but glibc behind them

glibc=0
for program in fleet fleet-agent fleet-server; do
  strip --strip-all -o "$work/$program" "$programs/$program"
  needed=$(readelf -d "$work/$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
  for library in $needed; do
    case $library in
    libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | librt.so.1 | ld-linux-*) ;;
    *) fail "$program needs $library; a box has only glibc" ;;
    esac
  done
  glibc=$({
    echo "$glibc"
    readelf -V "$work/$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//'
  } | sort -uV | tail -n 1)
done

# --- manual pages and completions, from what the programs say of themselves

"$here/documents.sh" "$programs" "$work/documents"

# --- the tarball

folder=fleet-$version-linux-$machine
mkdir -p "$work/$folder/bin" "$work/$folder/share/fleet" "$work/$folder/share/doc/fleet"
install -m 755 "$work/fleet" "$work/fleet-agent" "$work/fleet-server" "$checkout/provisioning/laptop/fleet-inventory" \
  "$work/$folder/bin"
cp -R "$work/documents/." "$work/$folder/share"
cp -R "$checkout/provisioning/device" "$checkout/provisioning/server" "$work/$folder/share/fleet"
cat "$here/copyright" /usr/share/doc/libssh2-1-dev/copyright >"$work/copyright"
cp "$checkout/README.md" "$checkout/PROVISIONING.md" "$checkout/HOSTING.md" "$checkout/CHANGELOG.md" "$work/copyright" \
  "$work/$folder/share/doc/fleet"
tar -C "$work" --sort=name --owner=root:0 --group=root:0 --mtime="@$SOURCE_DATE_EPOCH" \
  -cf - "$folder" | gzip -6n >"$out/$folder.tar.gz"

# --- the packages

# begin PACKAGE PAGE...: an empty tree with what every package has, and these manual pages.
begin() {
  tree=$work/tree-$1
  package=$1
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$1" "$tree/usr/share/lintian/overrides" "$tree/usr/bin"
  install -m 755 "$work/$1" "$tree/usr/bin/$1"
  documents=$work/documents
  install -D -m 644 "$documents/bash-completion/completions/$1" "$tree/usr/share/bash-completion/completions/$1"
  install -D -m 644 "$documents/zsh/site-functions/_$1" "$tree/usr/share/zsh/vendor-completions/_$1"
  install -D -m 644 "$documents/fish/vendor_completions.d/$1.fish" "$tree/usr/share/fish/vendor_completions.d/$1.fish"
  shift
  for page in "$@"; do
    mkdir -p "$tree/usr/share/man/man${page##*.}"
    gzip -9nc "$documents/man/man${page##*.}/$page" >"$tree/usr/share/man/man${page##*.}/$page.gz"
  done
  set -- "$package"
  cp "$work/copyright" "$tree/usr/share/doc/$1/copyright"
  {
    printf '%s (%s) unstable; urgency=medium\n\n' "$1" "$version"
    sed -n '/^## /,$p' "$checkout/CHANGELOG.md" | sed -n 's/^- /  * /p; s/^  \([^ ]\)/    \1/p' |
      fold -s -w 74 | sed 's/ *$//; s/^\([^ ]\)/    \1/'
    printf '\n -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
  } | gzip -9n >"$tree/usr/share/doc/$1/changelog.gz"
  # One file that needs only glibc is what these packages are for.
  echo "$1: embedded-library *" >"$tree/usr/share/lintian/overrides/$1"
}

# unit PACKAGE SOURCE: its systemd unit, with the program where the package has it, and the scripts around it.
unit() {
  mkdir -p "$tree/lib/systemd/system"
  sed 's|/usr/local/bin/|/usr/bin/|; s|; install.sh puts this.*|.|' "$checkout/provisioning/$2" \
    >"$tree/lib/systemd/system/$1.service"
  part=${1#fleet-}
  cat "$here/$part/postinst" "$here/unit-postinst" >"$tree/DEBIAN/postinst"
  cp "$here/unit-prerm" "$tree/DEBIAN/prerm"
  cat "$here/$part/postrm" "$here/unit-postrm" >"$tree/DEBIAN/postrm"
  sed -i "s/@UNIT@/$1.service/g" "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm" "$tree/DEBIAN/postrm"
  chmod 755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm" "$tree/DEBIAN/postrm"
}

# finish PACKAGE DEPENDS RECOMMENDS SYNOPSIS: the description comes on standard input.
finish() {
  {
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n' "$1" "$version" "$architecture" "$maintainer"
    printf 'Installed-Size: %s\nDepends: libc6 (>= %s)%s\n' \
      "$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f 1)" "$glibc" "${2:+, $2}"
    [ -z "$3" ] || printf 'Recommends: %s\n' "$3"
    printf 'Section: net\nPriority: optional\nDescription: %s\n' "$4"
    sed 's/^/ /'
  } >"$tree/DEBIAN/control"
  (cd "$tree" && find usr lib -type f -exec md5sum {} + 2>/dev/null) | LC_ALL=C sort -k 2 >"$tree/DEBIAN/md5sums"
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "$out" >/dev/null
}

begin fleet-agent fleet-agent.8 fleet-agent.json.5
unit fleet-agent device/fleet-agent.service
# Either of the two: a box that is a device, or one that asks to become one.
sed -i '/^StartLimit/a ConditionPathExists=|/etc/fleet-agent/agent.json\nConditionPathExists=|/etc/fleet-agent/enroll.json' \
  "$tree/lib/systemd/system/fleet-agent.service"
finish fleet-agent adduser openssh-server "keeps a device's reverse SSH tunnel to HostA up" <<END
On a small Linux box behind a router that nobody can configure, this agent
keeps a reverse SSH tunnel to HostA, a machine with a public address, so that
people reach the box by name.
.
The service starts once /etc/fleet-agent holds agent.json and the device's
key, or enroll.json and the key to join with.
END

begin fleet-server fleet-server.8
unit fleet-server server/fleet-server.service
finish fleet-server 'adduser, openssh-server, openssh-client' '' 'HostA of a fleet: leases ports to devices behind NAT' <<END
On a machine with a public address it leases each device a port in a registry,
runs an sshd of its own account that devices and operators connect to, and
watches who is online.
.
The service starts once "fleet-server init" was run for the account fleet with
--home /var/lib/fleet-server.
END

begin fleet fleet.1 fleet-config.5 fleet-devices.csv.5
# Beside fleet lies what it copies to boxes and to HostA; programs for other machines go there too.
mkdir -p "$tree/usr/lib/fleet" "$tree/usr/share/fleet"
install -m 755 "$work/fleet-agent" "$work/fleet-server" "$tree/usr/lib/fleet"
cp -R "$checkout/provisioning/device" "$checkout/provisioning/server" "$tree/usr/share/fleet"
install -m 755 "$checkout/provisioning/laptop/fleet-inventory" "$tree/usr/bin/fleet-inventory"
printf '.so man1/fleet.1\n' | gzip -9n >"$tree/usr/share/man/man1/fleet-inventory.1.gz"
finish fleet openssh-client '' 'reach small boxes behind routers by name' <<END
A box behind a router that nobody can configure keeps a reverse SSH tunnel to
HostA, a machine with a public address. This command sets boxes and HostA up,
lists the boxes, and opens a shell on them by name.
END

# --- what was made

for file in "$out"/*.tar.gz "$out"/*.deb; do
  printf 'dist: %-40s %5s KiB\n' "${file##*/}" "$(($(stat -c %s "$file") / 1024))"
done
echo "dist: fleet-agent is one file of $(($(stat -c %s "$work/fleet-agent") / 1024)) KiB that needs glibc $glibc or newer"
