#!/bin/sh
# Keeps this device's tunnel to HostA up with the ssh, or Dropbear's dbclient, that is on the box.
#
# usage: fleet-shell-agent [--folder FOLDER] [--syslog]
#   --folder FOLDER   where settings, keys and known_hosts are; by default the folder of this script
#   --syslog          say it to logger(1) too
#
# It claims the port on a connection of its own, which makes HostA end the tunnel before, and then holds one connection
# with the forward. HostA's host key is pinned in known_hosts; nothing is ever trusted at first use.
set -u
umask 077
# A client that goes away is seen as an error of printf.
trap '' PIPE

version=0.1.0
dial_limit_s=60
canary_limit_s=20
lived_long_enough_s=60

child='' guard='' watcher='' sleeper='' canary='' newest='' work='' last_said='' lock_folder='' host_keys='' key_stays=no
window=5 attempt=0 syslog=no

say() {
  printf 'fleet-shell-agent: %s\n' "$1" >&2
  [ "$syslog" = no ] || logger -t fleet-shell-agent "$1"
}

fail() {
  say "$1"
  exit 1
}

# --- settings: lines KEY='value', which become variables of that name and are never run

read_settings() {
  unset DEVICE PORT ACCOUNT ENDPOINTS SSHD_PORT REPORT_HOST_KEYS CANARY_S CLIENT
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%=*}
    value=${line#*=\'}
    value=${value%\'}
    [ "$line" = "$name='$value'" ] || fail "$folder/settings has a line that is not KEY='value': $name"
    case $value in '' | -* | *[!A-Za-z0-9._:/\ -]*) fail "$folder/settings: $name has no such value" ;; esac
    case $name in
    PORT | SSHD_PORT | CANARY_S) case $value in *[!0-9]* | ??????*) fail "$folder/settings: $name is no number" ;; esac ;;
    DEVICE | ACCOUNT | ENDPOINTS | REPORT_HOST_KEYS | CLIENT) ;;
    *) fail "$folder/settings: there is no setting $name" ;;
    esac
    eval "$name=\$value"
  done <"$folder/settings"
  : "${DEVICE:?is not set}" "${PORT:?is not set}" "${ACCOUNT:?is not set}" "${ENDPOINTS:?is not set}" \
    "${SSHD_PORT:?is not set}" "${REPORT_HOST_KEYS:?is not set}" "${CANARY_S:?is not set}" "${CLIENT:?is not set}"
}

# On OpenWrt `ssh` is another name of Dropbear's dbclient.
choose_client() {
  if [ "$CLIENT" = auto ]; then
    CLIENT=dbclient
    case $(ssh -V 2>&1 </dev/null) in *OpenSSH*) CLIENT=ssh ;; esac
  fi
  command -v "$CLIENT" >/dev/null 2>&1 || fail "neither OpenSSH's ssh nor Dropbear's dbclient is on this box"
  if [ "$CLIENT" = ssh ]; then
    key=$folder/id_ed25519 other_key=$folder/id_dropbear key_maker=ssh-keygen through=-W
    return
  fi
  key=$folder/id_dropbear other_key=$folder/id_ed25519 key_maker=dropbearkey through=-B
  # dbclient asks on the terminal about a host key that it does not know: it must not find one.
  without_terminal=$(command -v setsid)
  if [ -z "$without_terminal" ] && (: </dev/tty) 2>/dev/null; then
    fail "start it from init or cron: without setsid, dbclient may ask on the terminal"
  fi
}

# --- one agent for each folder

take_lock() {
  if command -v flock >/dev/null 2>&1; then
    [ -e "$folder/lock" ] || : >"$folder/lock"
    exec 9<"$folder/lock"
    flock -n 9 || fail "another agent runs for this device already"
    return
  fi
  if ! mkdir "$folder/lock.d" 2>/dev/null; then
    read -r lock_boot lock_pid _ 2>/dev/null <"$folder/lock.d/holder" || sleep 1
    if [ "${lock_boot:-}" = "$boot" ] && grep -q fleet-shell-agent "/proc/${lock_pid:-0}/cmdline" 2>/dev/null; then
      fail "another agent runs for this device already"
    fi
    # Its holder is gone. Of several that see this, only one can rename it.
    mv "$folder/lock.d" "$folder/lock.$$" 2>/dev/null && rm -rf "$folder/lock.$$"
    mkdir "$folder/lock.d" 2>/dev/null || fail "another agent starts for this device"
  fi
  lock_folder=$folder/lock.d
  echo "$boot $$" >"$lock_folder/holder"
}

# Named pipes carry what is said to and by the client: no file is written, so a full disk keeps no device out.
make_work_folder() {
  read -r unique </proc/sys/kernel/random/uuid
  for place in "${RUNTIME_DIRECTORY:-}" "${XDG_RUNTIME_DIR:-}" /dev/shm /tmp "$folder"; do
    work=$place/fleet-shell-agent-$unique
    if [ -z "$place" ] || ! mkdir "$work" 2>/dev/null; then continue; fi
    mkfifo "$work/in" "$work/out" "$work/canary" && mkdir "$work/.ssh" &&
      ln -s "$folder/known_hosts" "$work/.ssh/known_hosts" && return
    rm -rf "$work"
  done
  fail "there is no place for a named pipe, not even in /tmp"
}

# Also at the end of a shell that a signal has interrupted while it opened a named pipe, which to dash and ash is an error.
stop() {
  status=${1:-$?}
  trap '' TERM INT HUP
  trap - EXIT
  end_children
  rm -rf "$work" ${lock_folder:+"$lock_folder"}
  exit "$status"
}

# What ends the children of this shell: a signal for which it has no trap itself, since a shell that was just forked loses
# those of its parent.
ending=USR1

# What was forked last may have no name yet.
end_children() {
  # shellcheck disable=SC2086 # each is one process or none
  kill -$ending $child $guard $watcher $sleeper $canary 2>/dev/null
  [ "${!:-}" = "$newest" ] || kill -$ending $! 2>/dev/null
}

# Ends one of them and waits until it is gone.
dismiss() {
  kill -$ending "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

# --- time and chance

# A whole number from $1 to $2, in $number.
random() {
  IFS=- read -r number _ </proc/sys/kernel/random/uuid
  number=$(($1 + 0x${number#?} % ($2 - $1 + 1)))
}

seconds_since_boot() { cut -d . -f 1 /proc/uptime; }

# Sleeps so that a signal is answered at once.
nap() {
  sleep "$1" 3>&- 4<&- 9<&- &
  sleeper=$! newest=$!
  wait "$sleeper"
  sleeper=''
}

# Ends process $2 after $1 seconds, unless it is ended before. Its sleep is $! from the fork on, and KILL is never lost.
end_after() {
  before=${!:-}
  trap '[ "${!:-}" = "$before" ] || kill -KILL $!; exit' TERM USR1 USR2
  nap "$1"
  kill "$2" 2>/dev/null
}

# --- the client

# Becomes the client: connect KEY COMMAND [OPTION...]
connect() {
  with_key=$1 command=$2
  shift 2
  if [ "$CLIENT" = ssh ]; then
    # HostKeyAlias: the pin is for the address, whatever the port.
    exec ssh -F none -T -p "${endpoint##*/}" -l "$ACCOUNT" -i "$with_key" -o IdentitiesOnly=yes -o IdentityAgent=none \
      -o BatchMode=yes -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=\"$folder/known_hosts\"" \
      -o GlobalKnownHostsFile=/dev/null -o "HostKeyAlias=${endpoint%/*}" -o UpdateHostKeys=no -o ConnectTimeout=15 \
      -o ServerAliveInterval=10 -o ServerAliveCountMax=2 -o ExitOnForwardFailure=yes "$@" -- "${endpoint%/*}" \
      ${command:+"$command"}
  fi
  # dbclient looks for known_hosts in $HOME/.ssh only.
  # shellcheck disable=SC2086 # setsid or nothing
  exec env HOME="$work" $without_terminal dbclient -T -K 10 -i "$with_key" -o ExitOnForwardFailure=yes "$@" \
    "$ACCOUNT@${endpoint%/*}/${endpoint##*/}" ${command:+"$command"}
}

# Waits for HostA's answer, which is JSON, in $line. Whatever else is said is the client's complaint.
hear() {
  while IFS= read -r line <&4; do
    case $line in '{'*) return ;; esac
    [ ${#complaint} -gt 400 ] || complaint="$complaint${line:+$line }"
  done
  return 1
}

# Starts the client, descriptor 3 being what it reads and 4 what it says, and asks: begin BODY KEY REQUEST [OPTION...]
# HostA's reply is $granted.
begin() {
  granted='' complaint='' body=$1
  shift
  connect "$@" <"$work/in" >"$work/out" 2>&1 9<&- &
  child=$! newest=$!
  exec 3>"$work/in" 4<"$work/out"
  end_after "$dial_limit_s" "$child" 3>&- 4<&- 9<&- &
  guard=$! newest=$!
  printf '%s\n' "$body" >&3
  hear && granted=$line
}

finish() {
  exec 3>&-
  while hear; do :; done
  wait "$child"
  child=''
  exec 4<&-
  [ -z "$guard" ] || dismiss "$guard"
  guard=''
}

is_granted() { case $granted in *'"ok":true'*) ;; *) return 1 ;; esac }

# Asks HostA on a connection of its own: ask BODY KEY REQUEST
ask() {
  begin "$@"
  finish
  is_granted
}

# --- what the box is

# What needs no escape in JSON.
plain() { LC_ALL=C tr -cd ' !#-[]-~' | cut -c 1-120; }

read_host_keys() {
  found=$(ssh-keyscan -T 3 -p "$SSHD_PORT" 127.0.0.1 2>/dev/null | sed 's/^[^ ]* //')
  [ -n "$found" ] || found=$(
    cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null
    for file in /etc/dropbear/dropbear_*_host_key; do dropbearkey -y -f "$file" 2>/dev/null; done
  )
  host_keys=$(printf '%s\n' "$found" | sed -n -e 's#^\(ssh-ed25519 [A-Za-z0-9+/=]*\).*#"\1"#p' \
    -e 's#^\(ssh-rsa [A-Za-z0-9+/=]*\).*#"\1"#p' -e 's#^\(ecdsa-sha2-nistp[0-9]* [A-Za-z0-9+/=]*\).*#"\1"#p' |
    sort -u | sed -e 8q | tr '\n' ',')
  host_keys=${host_keys%,}
}

make_claim() {
  if [ "$REPORT_HOST_KEYS" = yes ] && [ -z "$host_keys" ]; then read_host_keys; fi
  system=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | plain)
  claim="{\"v\":1,\"agent_version\":\"shell-$version\",\"boot_id\":\"$boot\",\"keepalive_s\":10,\"facts\":{"
  claim="$claim\"hostname\":\"$(uname -n | plain)\",\"os\":\"$system\",\"arch\":\"$(uname -m | plain)\","
  claim="$claim\"kernel\":\"$(uname -r | plain)\",\"client\":\"$CLIENT\"},\"host_keys\":[$host_keys]}"
}

# --- the device's key: HostA may want it replaced, because a bundle carried it

# The next key's, or nothing.
next_public_key() {
  $key_maker -y -f "$key.next" </dev/null 2>/dev/null | sed -n 's#^\(ssh-ed25519 [A-Za-z0-9+/=]*\).*#\1#p'
}

make_next_key() {
  rm -f "$key.part"
  set -- -t ed25519 -f "$key.part"
  [ "$CLIENT" != ssh ] || set -- "$@" -q -N '' -C ''
  $key_maker "$@" </dev/null >/dev/null 2>&1 && rm -f "$key.part.pub" && sync && mv -f "$key.part" "$key.next" && sync
}

# Over a connection that key $1 opens.
announce_next_key() { ask "{\"v\":1,\"key\":\"$(next_public_key)\"}" "$1" rotate-key; }

# The second step: over a connection that the new key opened. Until then both keys open HostA.
adopt_next_key() {
  announce_next_key "$key.next" || return
  # install.sh knows by this that the bundle's key is the device's no more.
  [ -e "$folder/replaced" ] || cp "$folder/id_ed25519" "$folder/replaced"
  mv -f "$key.next" "$key" && rm -f "$other_key" && sync
  say "the device's key was replaced"
}

replace_key() {
  if ! command -v $key_maker >/dev/null 2>&1; then
    [ "$key_stays" = yes ] || say "HostA wants a new key, but $key_maker is not on this box: the key stays"
    key_stays=yes
    return
  fi
  [ -s "$key.next" ] || make_next_key
  if [ -z "$(next_public_key)" ]; then
    rm -f "$key.next"
  elif announce_next_key "$key" && adopt_next_key; then
    return
  fi
  say "the device's key could not be replaced: $granted$complaint"
}

# --- the tunnel

# Through HostA and back to the box's own sshd: $outcome is up, down (no sshd here) or lost.
try_canary() {
  printf 'SSH-2.0-canary\r\n' | connect "$key" '' $through "127.0.0.1:$PORT" >"$work/canary" 2>/dev/null 3>&- &
  canary=$! newest=$!
  end_after "$canary_limit_s" "$canary" 3>&- &
  guard=$! newest=$!
  banner=''
  IFS= read -r banner <"$work/canary"
  dismiss "$canary"
  dismiss "$guard"
  canary='' guard='' outcome=lost
  case $banner in
  SSH-*) outcome=up ;;
  *) grep -qs ":$(printf '%04X' "$SSHD_PORT") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6 || outcome=down ;;
  esac
}

# Runs beside the tunnel. Two canaries lost in a row end it.
watch_tunnel() {
  tunnel=$child child='' guard='' sleeper='' newest=${!:-} ending=USR2
  reported=up lost=0 down_s=$((CANARY_S < 30 ? CANARY_S : 30))
  trap 'end_children; exit' TERM USR1
  while kill -0 "$tunnel" 2>/dev/null && kill -0 $$ 2>/dev/null; do
    try_canary
    case $outcome in
    up) lost=0 && random $((CANARY_S * 9 / 10)) $((CANARY_S * 11 / 10)) ;;
    # HostA should soon know that it is back.
    down) lost=0 && random $((down_s * 9 / 10)) $((down_s * 11 / 10)) ;;
    lost) lost=$((lost + 1)) && random 3 6 ;;
    esac
    if [ "$lost" -ge 2 ]; then
      say "nothing comes back through HostA"
      kill "$tunnel" 2>/dev/null
      return
    fi
    if [ "$outcome" != lost ] && [ "$outcome" != "$reported" ]; then
      printf '{"v":1,"sshd":"%s"}\n' "$outcome" >&3
      reported=$outcome
    fi
    nap "$number"
  done
}

hold_tunnel() {
  begin "$claim" "$key" attach -R "127.0.0.1:$PORT:127.0.0.1:$SSHD_PORT"
  if is_granted; then
    dismiss "$guard"
    guard='' last_said='' up_since=$(seconds_since_boot)
    say "the tunnel is up: port $PORT of ${endpoint%/*}, by $CLIENT"
    watch_tunnel 4<&- 9<&- &
    watcher=$! newest=$!
    complaint=''
    while IFS= read -r line <&4; do complaint=$line; done
    dismiss "$watcher"
    watcher=''
    [ $(($(seconds_since_boot) - up_since)) -lt $lived_long_enough_s ] || attempt=0
  fi
  finish
}

run_once() {
  [ ! -s "$key.next" ] || adopt_next_key
  make_claim
  ask "$claim" "$key" claim || return
  window=$(printf '%s\n' "$granted" | sed -n 's/.*"reconnect_window_s":\([0-9]\{1,5\}\)[,}].*/\1/p')
  [ "${window:-0}" -ge 5 ] || window=5
  case $granted in
  *'"rotate_key":true'*) replace_key ;;
  *) rm -f "$key.next" ;;
  esac
  hold_tunnel
}

# How long until the next try, in $number: jittered, growing to a cap, and long where HostA does not want this device.
choose_pause() {
  case $granted$complaint in
  *'"code":"claim-busy"'* | *'"code":"port-in-use"'*) random 2 6 ;;
  *'"ok":false'* | *'Permission denied'* | *'No auth methods'* | *'ost key '*) random 120 300 ;;
  *'ion refused'* | *'timed out'* | *nreachable* | *'No route'* | *resol* | *'rror connecting'*)
    # Nothing answers: another try costs HostA nothing, and another way in may be open.
    case $ENDPOINTS in *' '*) ENDPOINTS="${ENDPOINTS#* } ${ENDPOINTS%% *}" ;; esac
    random 2 4
    ;;
  *)
    attempt=$((attempt + 1))
    cap=$((window * 12 < 300 ? window * 12 : 300))
    [ $cap -ge "$window" ] || cap=$window
    longest=$((window / 5 < 5 ? window / 5 : 5))
    [ $attempt -eq 1 ] || longest=$((window << (attempt < 8 ? attempt - 2 : 6)))
    random 0 $((longest < cap ? longest : cap))
    ;;
  esac
}

case $0 in */*) folder=${0%/*} ;; *) folder=. ;; esac
while [ $# -gt 0 ]; do
  case $1 in
  --folder) [ $# -gt 1 ] && folder=$2 && shift ;;
  --syslog) syslog=yes ;;
  --version) echo "fleet-shell-agent $version" && exit ;;
  *) echo "usage: fleet-shell-agent [--folder FOLDER] [--syslog]" >&2 && exit 2 ;;
  esac
  shift
done
folder=$(cd "$folder" 2>/dev/null && pwd -P) || fail "there is no such folder"
case $folder in *[%\"]*) fail "ssh cannot be given files in $folder: move it to a path without % and \"" ;; esac
[ -r "$folder/settings" ] || fail "$folder/settings is missing"
read_settings
choose_client
[ -r "$key" ] || fail "$key is missing"
read -r boot </proc/sys/kernel/random/boot_id
take_lock
trap 'stop 0' TERM INT HUP
trap stop EXIT
make_work_folder
while :; do
  endpoint=${ENDPOINTS%% *} granted=''
  run_once
  choose_pause
  why="the tunnel is down: ${granted##*\"ok\":true*} $complaint"
  [ "$why" = "$last_said" ] || say "$why"
  last_said=$why
  nap "$number"
done
