#!/bin/sh
# Unpacks an OpenSSH newer than this Debian's for the tests, from its backports; nothing of it is installed.
# apt checks the signature by Debian's keys, with sources and lists of its own: those of the machine are not touched.
# Where it cannot be had, this says so and succeeds, and the tests with it are skipped.
# usage: newer-openssh.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ ! -x "$folder/openssh/usr/sbin/sshd" ] || exit 0

give_up() {
  [ ! -s "${work:-}/errors" ] || cat "$work/errors" >&2
  echo "bootstrap: $1; the tests with a newer OpenSSH are skipped" >&2
  exit 0
}

command -v apt-get >/dev/null || give_up "apt-get is not here"
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# From where this machine's own apt gets its Debian.
# shellcheck disable=SC2016 # apt fills these in
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
  awk -v release="$release" '$1 == release && $2 ~ /\/debian\/$/ { print $2; exit }')
if [ -z "$mirror" ] || [ ! -r "$keys" ]; then give_up "this machine's apt knows no Debian"; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p lists/partial cache/archives/partial
echo "deb [signed-by=$keys] $mirror $release-backports main" >sources.list
backports() {
  apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- \
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root \
    -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o APT::Update::Error-Mode=any "$@" 2>errors
}
backports update || give_up "$release-backports cannot be read"
backports download openssh-server openssh-client openssh-sftp-server || give_up "$release-backports has no OpenSSH"

for package in openssh-*.deb; do dpkg-deb -x "$package" tree; done
version=$(tree/usr/sbin/sshd -V 2>&1) || give_up "it does not run here: $version"
rm -rf "$folder/openssh.new" "$folder/openssh"
mkdir "$folder/openssh.new"
cp -R tree/usr "$folder/openssh.new"
mv "$folder/openssh.new" "$folder/openssh"
echo "bootstrap: $version is in $folder/openssh"
