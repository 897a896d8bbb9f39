#!/bin/sh
# The whole of fleet on one machine: HostA, a device and a laptop, in a throw-away folder, as an ordinary account.
# usage: demo/run.sh FOLDER-OF-THE-PROGRAMS
set -eu

programs=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

# Outer part: make the folder, find an unprivileged account, and clean up whatever happens.
if [ -z "${FLEET_DEMO_FOLDER:-}" ]; then
  folder=$(mktemp -d /tmp/fleet-demo.XXXXXX)
  inner=""
  finish() {
    trap - EXIT INT TERM
    if [ -n "$inner" ]; then
      kill "$inner" 2>/dev/null || true
      wait "$inner" 2>/dev/null || true
    fi
    rm -rf "$folder"
  }
  trap 'finish; exit 130' INT TERM
  trap finish EXIT
  chmod 755 "$folder"
  mkdir "$folder/bin"
  # A checkout in a private home cannot be read by another account, so the programs are copied.
  cp "$programs/fleet" "$programs/fleet-agent" "$programs/fleet-server" "$folder/bin/"
  cp "$here/run.sh" "$folder/run.sh"
  cp -R "$here/../provisioning/device" "$folder/device"
  export FLEET_DEMO_FOLDER="$folder" FLEET_SHARE="$folder"
  # A shell gives a background job /dev/null to read; the question at the end is for the terminal.
  exec 3<&0
  if [ "$(id -u)" -eq 0 ]; then
    # Root does not need to be root here: an account that exists only in a private /etc/passwd of this demo will do.
    uid=60500
    while getent passwd "$uid" >/dev/null || pgrep -u "$uid" >/dev/null; do uid=$((uid + 1)); done
    cp /etc/passwd "$folder/passwd"
    echo "demo:x:$uid:$uid::$folder/home:/bin/sh" >>"$folder/passwd"
    mkdir "$folder/home"
    chown -R "$uid:$uid" "$folder/home"
    chown "$uid:$uid" "$folder"
    # shellcheck disable=SC2016 # the inner shell expands these
    unshare --mount --propagation private sh -c \
      'mount --bind "$1/passwd" /etc/passwd && exec setpriv --reuid "$2" --regid "$2" --clear-groups --inh-caps=-all \
        env HOME="$1/home" USER=demo LOGNAME=demo SHELL=/bin/sh sh "$1/run.sh" "$1/bin"' sh "$folder" "$uid" <&3 &
  else
    sh "$folder/run.sh" "$folder/bin" <&3 &
  fi
  inner=$!
  status=0
  wait "$inner" || status=$?
  inner=""
  exit "$status"
fi

# Inner part: the demo itself.
folder=$FLEET_DEMO_FOLDER
unset FLEET_DEMO_FOLDER SSH_AUTH_SOCK
account=$(id -un)
started=$(date +%s)
server="" agent="" sshd=""
cd "$folder"
mkdir -p hosta box laptop

finish() {
  trap - EXIT INT TERM
  for pid in $agent $server $sshd; do kill "$pid" 2>/dev/null || true; done
  for pid in $agent $server $sshd; do wait "$pid" 2>/dev/null || true; done
}
trap finish EXIT
trap 'exit 0' INT TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold="" plain=""; fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
shown() { printf '%s%s$ %s%s\n' "$bold" "$1" "$2" "$plain"; }

# Each machine has its own configuration; only what a person would type is shown. The shell itself becomes the
# program, so that whoever starts this in the background gets the program's own process id.
become() {
  machine=$1
  shift
  exec env PATH="$folder/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    FLEET_SERVER_HOME="$folder/hosta/fleet-server" XDG_CONFIG_HOME="$folder/$machine/config" \
    XDG_STATE_HOME="$folder/$machine/state" FLEET_SHARE="$folder" "$@"
}
on() {
  machine=$1
  shift
  shown "$machine" "$*"
  (become "$machine" "$@")
}
free_port() {
  port=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 9000))
  while ss -Hltn | awk '{print $4}' | grep -q ":$port\$"; do port=$((port + 1)); done
  echo "$port"
}
wait_for() {
  what=$1
  shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || {
      echo "demo: $what did not happen; the logs are:" >&2
      tail -n 20 "$folder"/*.log >&2
      exit 1
    }
    sleep 0.1
  done
}

say "HostA: the one machine with a public address. Here it is an ordinary account and a private sshd on loopback."
ssh-keygen -q -t ed25519 -N '' -C you@laptop -f laptop/id_ed25519
host_port=$(free_port)
on hosta fleet-server init --address 127.0.0.1 --listen "127.0.0.1:$host_port" --operator you --operator-key laptop/id_ed25519.pub
shown hosta "fleet-server run &"
become hosta fleet-server run >server.log 2>&1 &
server=$!
wait_for "HostA's sshd listening" ssh-keyscan -T 2 -p "$host_port" 127.0.0.1

say "The laptop: log in once."
fingerprint=$(ssh-keygen -lf hosta/fleet-server/ssh_host_ed25519_key.pub | awk '{print $2}')
on laptop fleet login "$account@127.0.0.1:$host_port" --host-key "$fingerprint" --identity "$folder/laptop/id_ed25519"

say "A box that is not here yet: everything it needs goes into one file."
box_port=$(free_port)
ssh-keygen -q -t ed25519 -N '' -f box/host_key
cp laptop/id_ed25519.pub box/authorized_keys
cat >box/sshd_config <<END
Port $box_port
ListenAddress 127.0.0.1
HostKey $folder/box/host_key
AuthorizedKeysFile $folder/box/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
END
/usr/sbin/sshd -D -e -f "$folder/box/sshd_config" >box.log 2>&1 &
sshd=$!
on laptop fleet provision kitchen-pi --user "$account" --bundle kitchen-pi.tar --sshd-port "$box_port"

say "The box, in somebody's kitchen: unpack, start."
on box tar -xf kitchen-pi.tar -C box
shown box "fleet-agent run --config box/fleet-agent-kitchen-pi/agent.json &"
become box fleet-agent run --config box/fleet-agent-kitchen-pi/agent.json >agent.log 2>&1 &
agent=$!
online() { (become laptop fleet list) | grep -q 'kitchen-pi.*online'; }
wait_for "kitchen-pi coming online" online

say "The laptop, anywhere."
on laptop fleet list
# An identity is named because this demo must not touch your own ~/.ssh; usually 'fleet ssh kitchen-pi' is all.
on laptop fleet ssh -i "$folder/laptop/id_ed25519" kitchen-pi uname -a
on box fleet-agent status --config box/fleet-agent-kitchen-pi/agent.json

say "Done in $(($(date +%s) - started)) s."
if [ -t 0 ] && [ -t 1 ]; then
  printf 'Stay up to play? [y/N] '
  read -r answer || answer=n
  case "$answer" in
  [yY]*)
    enter=""
    # Where the demo has an account of its own, whoever plays must step into it first.
    [ "$account" != demo ] || enter="nsenter --mount=/proc/$$/ns/mnt setpriv --reuid $(id -u) --regid $(id -g) --clear-groups"
    cat >play <<END
#!/bin/sh
exec $enter env HOME="$HOME" PATH="$folder/bin:\$PATH" XDG_CONFIG_HOME="$folder/laptop/config" \\
  XDG_STATE_HOME="$folder/laptop/state" fleet "\$@"
END
    chmod 755 play
    echo "In another terminal:"
    echo "  $folder/play list"
    echo "  $folder/play ssh -i $folder/laptop/id_ed25519 kitchen-pi"
    echo "Ctrl-C ends it and removes everything."
    # Until Ctrl-C, or until HostA ends; a sleep in the background would outlive both.
    wait "$server" || true
    ;;
  esac
fi
