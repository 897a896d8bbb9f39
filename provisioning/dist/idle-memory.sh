#!/bin/sh
# Tells the memory of an agent whose tunnel is up and idle, with a HostA on this machine's loopback.
# usage: idle-memory.sh FOLDER-OF-THE-PROGRAMS
set -eu
programs=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${FLEET_IDLE_FOLDER:-}" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  chmod 755 "$folder"
  mkdir "$folder/bin" "$folder/home"
  cp "$programs/fleet" "$programs/fleet-agent" "$programs/fleet-server" "$folder/bin"
  strip "$folder/bin/"*
  cp -R "$here/../device" "$folder/device"
  cp "$0" "$folder/idle-memory.sh"
  export FLEET_IDLE_FOLDER="$folder" FLEET_SHARE="$folder"
  [ "$(id -u)" -eq 0 ] || {
    HOME=$folder/home sh "$folder/idle-memory.sh" "$folder/bin"
    exit
  }
  # HostA does not want to be root: an account that only a private /etc/passwd knows.
  uid=60700
  while getent passwd "$uid" >/dev/null || pgrep -u "$uid" >/dev/null; do uid=$((uid + 1)); done
  cp /etc/passwd "$folder/passwd"
  echo "idle:x:$uid:$uid::$folder/home:/bin/sh" >>"$folder/passwd"
  chown -R "$uid:$uid" "$folder/home"
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount --propagation private sh -c \
    'mount --bind "$1/passwd" /etc/passwd && exec setpriv --reuid "$2" --regid "$2" --clear-groups --inh-caps=-all \
      env HOME="$1/home" USER=idle LOGNAME=idle sh "$1/idle-memory.sh" "$1/bin"' sh "$folder" "$uid"
  exit
fi

cd "$HOME"
unset SSH_AUTH_SOCK XDG_STATE_HOME XDG_CONFIG_HOME
export PATH="$programs:$PATH" FLEET_SERVER_HOME="$HOME/hosta" XDG_CONFIG_HOME="$HOME/config" XDG_STATE_HOME="$HOME/state"
server='' agent='' sshd=''
finish() {
  for pid in $agent $server $sshd; do kill "$pid" 2>/dev/null || true; done
  for pid in $agent $server $sshd; do wait "$pid" 2>/dev/null || true; done
}
trap finish EXIT
fail() {
  echo "idle-memory: $1" >&2
  cat ./*.log >&2
  exit 1
}
free_port() {
  port=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 9000))
  while ss -Hltn | awk '{print $4}' | grep -q ":$port\$"; do port=$((port + 1)); done
  echo "$port"
}
wait_for() {
  tries=300
  until eval "$1" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "never happened: $1"
    sleep 0.1
  done
}

ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -f box_key
port=$(free_port)
fleet-server init --address 127.0.0.1 --listen "127.0.0.1:$port" --operator me --operator-key key.pub >init.log 2>&1
fleet-server run >server.log 2>&1 &
server=$!
wait_for "ssh-keyscan -T 1 -p $port 127.0.0.1 | grep ."
box_port=$(free_port)
printf 'Port %s\nListenAddress 127.0.0.1\nHostKey %s/box_key\nPidFile none\nUsePAM no\n' "$box_port" "$HOME" >sshd_config
/usr/sbin/sshd -D -e -f "$HOME/sshd_config" >sshd.log 2>&1 &
sshd=$!
# shellcheck disable=SC2046 # the line is split into words on purpose
$(fleet-server login-line) --identity "$HOME/key" 2>login.log || fail "no login"
fleet provision box --user me --bundle box.tar --sshd-port "$box_port" 2>bundle.log || fail "no bundle"
tar -xf box.tar
fleet-agent run --config fleet-agent-box/agent.json >agent.log 2>&1 &
agent=$!
wait_for "fleet-agent status --config fleet-agent-box/agent.json"
# What the start needed is given back within moments.
sleep 2
awk '/^(Rss|Pss|Private_Dirty):/ { kib[$1] = $2 }
  END { printf "dist: an idle agent holds %.1f MiB (%.1f MiB of it its own, %.1f MiB pages of its program and glibc)\n",
    kib["Rss:"] / 1024, kib["Private_Dirty:"] / 1024, (kib["Rss:"] - kib["Private_Dirty:"]) / 1024 }' \
  "/proc/$agent/smaps_rollup"
