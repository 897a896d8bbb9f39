#!/bin/sh
# Installs the Debian packages on a copy of this machine that is thrown away, runs the programs, removes them again.
# usage: check-packages.sh FOLDER-OF-THE-PACKAGES
#
# The copy is a layer over this machine's files in namespaces of its own, which needs root: nothing is seen outside.
set -eu
dist=$(cd "$1" && pwd)

if [ "${2:-}" != inside ]; then
  [ "$(id -u)" -eq 0 ] || {
    echo "check-packages: skipped, it needs root"
    exit 0
  }
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  unshare --mount --pid --net --fork --kill-child --propagation private sh "$0" "$dist" inside "$folder"
  exit
fi

folder=$3
mount -t tmpfs none "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
mount -t proc proc "$folder/root/proc"
mount --bind /dev "$folder/root/dev"
mkdir -p "$folder/root/root/packages"
cp "$dist"/*.deb "$folder/root/root/packages/"
ip link set lo up

cat >"$folder/root/root/check" <<'END'
set -eu
cd /root
fail() {
  echo "check-packages: $*" >&2
  exit 1
}
dpkg -i packages/*.deb >install.log 2>&1 || fail "they do not install: $(cat install.log)"
for program in fleet fleet-agent fleet-server; do
  /usr/bin/$program --version
  man -P cat "$program" >manual 2>&1 && grep -q "$program" manual || fail "$program has no manual: $(cat manual)"
done
for page in fleet-agent.json fleet-config fleet-devices.csv; do
  man -P cat 5 "$page" >/dev/null 2>&1 || fail "there is no manual page $page(5)"
done
bash -c '. /usr/share/bash-completion/completions/fleet && complete -p fleet' >/dev/null || fail "bash completes nothing"
for unit in fleet-agent fleet-server; do
  [ -L /etc/systemd/system/multi-user.target.wants/$unit.service ] || fail "$unit.service is not enabled"
  grep -q '^ConditionPathExists=' /lib/systemd/system/$unit.service || fail "$unit.service waits for nothing"
done
[ "$(stat -c '%U:%G %a' /etc/fleet-agent)" = "fleet-agent:fleet-agent 750" ] || fail "/etc/fleet-agent is open"
[ "$(stat -c '%U %a' /var/lib/fleet-server)" = "fleet 700" ] || fail "/var/lib/fleet-server is open"

ssh-keygen -q -t ed25519 -N '' -f anna
install -o fleet -m 600 anna.pub /var/lib/fleet-server/anna.pub
runuser -u fleet -- fleet-server init --home /var/lib/fleet-server --address 127.0.0.1 --operator anna \
  --operator-key /var/lib/fleet-server/anna.pub >init.log || fail "init: $(cat init.log)"
runuser -u fleet -- fleet-server run --home /var/lib/fleet-server >run.log 2>&1 &
tries=100
until ssh-keyscan -T 1 -p 2222 127.0.0.1 2>/dev/null | grep -q .; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || fail "HostA does not answer: $(cat run.log)"
  sleep 0.1
done
line=$(runuser -u fleet -- fleet-server login-line --home /var/lib/fleet-server)
# shellcheck disable=SC2086 # the line is split into words on purpose
$line --identity /root/anna 2>login.log || fail "login: $(cat login.log)"
fleet provision kitchen-pi --user root --bundle kitchen-pi.tar 2>bundle.log || fail "provision: $(cat bundle.log)"
tar -tf kitchen-pi.tar | grep -q fleet-agent-kitchen-pi/install.sh || fail "the bundle lacks install.sh"

dpkg -r fleet fleet-agent fleet-server >remove.log 2>&1 || fail "they cannot be removed: $(cat remove.log)"
[ -f /var/lib/fleet-server/registry.db ] || fail "removing the package took the registry"
dpkg -P fleet fleet-agent fleet-server >purge.log 2>&1 || fail "they cannot be purged: $(cat purge.log)"
left=$(ls -d /usr/bin/fleet* /usr/lib/fleet /usr/share/fleet /etc/fleet-agent /var/lib/fleet-server 2>/dev/null || true)
[ -z "$left" ] || fail "purging left $left"
echo "check-packages: installed, a HostA ran, a bundle was made, and nothing is left"
END
chroot "$folder/root" env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh /root/check
