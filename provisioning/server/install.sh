#!/bin/sh
# Makes this machine a HostA, or brings the one that is here up to date.
#
#   as root           /usr/local/bin/fleet-server, /var/lib/fleet-server, the account fleet, a system service
#   otherwise         ~/.local/bin/fleet-server, ~/.local/state/fleet-server, a user service that lingers
#   without systemd   cron starts it: at boot and, should it have ended, every minute
#
# Running it again changes only what differs; a new program ends the tunnels for a moment, and the devices come back.
#
# usage: install.sh [--user] [--dry-run] [--address HOST] [--operator NAME --operator-key FILE]
#                   [--listen ADDRESS:PORT] [--ports FIRST-LAST]
#        install.sh [--user] [--dry-run] --uninstall [--purge]
#   --address       run 'fleet-server init' for this name or address, with the operator as the first one;
#                   on a HostA that stands already the operator is added
#   --operator      the operator's name, and --operator-key the public key, a .pub file
#   --listen        where HostA's own sshd listens, 0.0.0.0:2222 unless given
#   --ports         the ports that devices are leased, 20000-29999 unless given
#   --user          for this account only, even as root
#   --dry-run       say what would be done, and do nothing
#   --uninstall     stop HostA and remove the program and the service; the registry stays
#   --purge         with --uninstall: the registry, HostA's key and the account too
#
# exit status: 0 done, 1 failed, 2 usage, 3 done and running, but nothing will start it after a reboot

set -eu
umask 077

usage() {
  echo "usage: install.sh [--user] [--dry-run] [--address HOST] [--operator NAME --operator-key FILE]" >&2
  echo "                  [--listen ADDRESS:PORT] [--ports FIRST-LAST]" >&2
  echo "       install.sh [--user] [--dry-run] --uninstall [--purge]" >&2
  exit 2
}

fail() {
  echo "install.sh: $1" >&2
  [ -z "${2:-}" ] || echo "  $2" >&2
  exit 1
}

scope=user
[ "$(id -u)" -ne 0 ] || scope=system
dry_run=no uninstall=no purge=no
address='' operator='' operator_key='' listen='' ports=''
while [ $# -gt 0 ]; do
  case $1 in
  --user) scope=user ;;
  --dry-run) dry_run=yes ;;
  --uninstall) uninstall=yes ;;
  --purge) purge=yes ;;
  --address | --operator | --operator-key | --listen | --ports)
    [ -n "${2:-}" ] || usage
    case $1 in
    --address) address=$2 ;;
    --operator) operator=$2 ;;
    --operator-key) operator_key=$2 ;;
    --listen) listen=$2 ;;
    --ports) ports=$2 ;;
    esac
    shift
    ;;
  *) usage ;;
  esac
  shift
done
[ "$purge" = no ] || [ "$uninstall" = yes ] || usage
if [ -n "$operator" ]; then [ -n "$operator_key" ] || usage; else [ -z "$operator_key$address" ] || usage; fi

if [ "$scope" = system ]; then
  account=fleet
  binary=/usr/local/bin/fleet-server
  home=/var/lib/fleet-server
  unit=/etc/systemd/system/fleet-server.service
  unit_source=fleet-server.service
else
  account=$(id -un)
  HOME=$(cd "${HOME:?}" && pwd -P)
  binary=$HOME/.local/bin/fleet-server
  home=$HOME/.local/state/fleet-server
  unit=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/fleet-server.service
  unit_source=fleet-server-user.service
fi
changed=no

# step SENTENCE COMMAND...: says what is done, and does it unless this is a rehearsal.
step() {
  if [ "$dry_run" = yes ]; then
    echo "would $1"
    return 0
  fi
  echo "$1"
  shift
  "$@"
}

# place FILE TARGET MODE: copies in one step, and only what differs.
place() {
  if [ -f "$2" ] && cmp -s "$1" "$2"; then return 0; fi
  changed=yes
  step "write $2" copy "$@"
}

copy() {
  if ! cp "$1" "$2.new" || ! chmod "$3" "$2.new" || ! mv -f "$2.new" "$2"; then
    rm -f "$2.new"
    fail "cannot write $2"
  fi
}

# Runs a command as the account that HostA belongs to.
as_account() { if [ "$scope" = system ]; then runuser -u "$account" -- "$@"; else "$@"; fi; }

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

is_initialised() { [ -f "$home/fleet-server.json" ]; }

# setting NAME: a text of the HostA that stands here.
setting() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$home/fleet-server.json"; }

# The processes of 'fleet-server run', also of the program that was replaced just now; forced commands are others.
run_processes() {
  for process in /proc/[0-9]*; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    case $program in "$binary" | "$binary (deleted)" | "$binary.new") ;; *) continue ;; esac
    case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) in *" run "*) echo "${process#/proc/}" ;; esac
  done
}

stop_run() {
  for process in $(run_processes); do kill "$process" 2>/dev/null || true; done
  # It ends its sshd and every session first.
  tries=100
  while [ -n "$(run_processes)" ] && [ "$tries" -gt 0 ]; do
    sleep 0.1 2>/dev/null || sleep 1
    tries=$((tries - 1))
  done
  for process in $(run_processes); do kill -9 "$process" 2>/dev/null || true; done
}

# --- systemd

has_systemd() {
  [ -d /run/systemd/system ] || return 1
  if [ "$scope" = user ]; then
    # The account's own manager, which a session without a desktop may have to be told about.
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR
    systemctl --user show-environment >/dev/null 2>&1
  else
    command -v systemctl >/dev/null 2>&1
  fi
}

service() { if [ "$scope" = system ]; then systemctl "$@"; else systemctl --user "$@"; fi; }

linger() {
  loginctl enable-linger || {
    echo "install.sh: lingering was refused, so HostA runs only while $account is logged in" >&2
    echo "  as root: loginctl enable-linger $account" >&2
    lingers=no
  }
}

install_systemd() {
  if [ "$scope" = user ] && [ ! -e "/var/lib/systemd/linger/$account" ]; then
    step "let the services of $account run without a login" linger
  fi
  [ -d "${unit%/*}" ] || step "make the folder ${unit%/*}" mkdir -p "${unit%/*}"
  place "$here/$unit_source" "$unit" 644
  if [ "$changed" = yes ]; then step "tell systemd of the service" service daemon-reload; fi
  if ! service is-enabled --quiet fleet-server.service 2>/dev/null; then
    step "have the service started at every boot" service enable --quiet fleet-server.service
  fi
  is_ready || return 0
  if [ "$changed" = yes ] || ! service is-active --quiet fleet-server.service; then
    step "start the service" service restart fleet-server.service
  fi
}

# --- cron

cron_table() { if [ "$scope" = system ]; then crontab -u "$account" "$@"; else crontab "$@"; fi; }

# The table without our lines; it may be empty.
other_cron_lines() { cron_table -l 2>/dev/null | sed '/^# fleet-server: begin$/,/^# fleet-server: end$/d'; }

# One lock in HostA's folder lets a second 'run' end at once.
our_cron_lines() {
  # cron takes a bare % for the end of the line.
  command=$(printf '%s run --home %s' "$(quoted "$binary")" "$(quoted "$home")" | sed 's/%/\\%/g')
  echo "# fleet-server: begin"
  echo "@reboot $command >/dev/null 2>&1"
  echo "* * * * * $command >/dev/null 2>&1"
  echo "# fleet-server: end"
}

write_cron_table() { printf '%s\n' "$1" | cron_table - || fail "crontab does not take the lines"; }

install_cron() {
  others=$(other_cron_lines)
  wanted=$({ [ -z "$others" ] || printf '%s\n' "$others"; our_cron_lines; })
  if [ "$wanted" != "$(cron_table -l 2>/dev/null)" ]; then
    step "let cron start HostA at boot and, should it have ended, every minute" write_cron_table "$wanted"
  fi
}

uninstall_cron() {
  others=$(other_cron_lines)
  [ "$others" != "$(cron_table -l 2>/dev/null)" ] || return 0
  if [ -n "$others" ]; then
    step "take HostA's lines out of the cron table" write_cron_table "$others"
  else
    step "remove the cron table, which had HostA's lines only" cron_table -r
  fi
}

# --- without a service manager

start_detached() {
  set -- "$binary" run --home "$home"
  if [ "$scope" = system ]; then set -- runuser -u "$account" -- "$@"; fi
  if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; else set -- nohup "$@"; fi
  "$@" </dev/null >/dev/null 2>&1 &
}

start_now() {
  is_ready || return 0
  if [ "$changed" = yes ] && [ -n "$(run_processes)" ]; then
    step "stop the HostA that runs with the old files" stop_run
  fi
  if [ "$dry_run" = yes ] || [ -z "$(run_processes)" ]; then step "start HostA now" start_detached; fi
}

# --- the account of the system service

has_account() { id "$account" >/dev/null 2>&1; }

# It has a shell, because sshd starts forced commands through it, and no password.
make_account() {
  useradd --system --user-group --no-create-home --home-dir "$home" --shell /bin/sh "$account" ||
    fail "cannot make the account $account"
}

make_home() {
  if ! mkdir -p "${home%/*}" || ! install -d -o "$account" -g "$account" -m 700 "$home"; then fail "cannot make $home"; fi
}

# --- init

# Whether there is, or in a rehearsal would be, a HostA that can be started.
is_ready() { is_initialised || [ -n "$address" ]; }

# with_operator_key COMMAND...: runs it as the account with the key's file, which only the caller may be able to read.
with_operator_key() {
  # Not in HostA's own folder: root writes nothing through a name that the account can choose.
  passed=$(mktemp)
  status=0
  { cat "$operator_key" >"$passed" && chmod 644 "$passed" && as_account "$@" "$passed"; } || status=1
  rm -f "$passed"
  [ "$status" -eq 0 ] || exit 1
}

init_host() {
  set -- "$binary" init --home "$home" --address "$address" --operator "$operator"
  [ -z "$listen" ] || set -- "$@" --listen "$listen"
  [ -z "$ports" ] || set -- "$@" --ports "$ports"
  with_operator_key "$@" --operator-key >/dev/null
}

add_operator() { with_operator_key "$binary" operator add "$operator" --home "$home" --key >/dev/null; }

# refuse_other_setting NAME VALUE: the HostA that stands here keeps what it was made with, devices were told its address.
refuse_other_setting() {
  if [ -z "$2" ] || ! is_initialised || [ "$2" = "$(setting "$1")" ]; then return; fi
  fail "the HostA in $home has $1 $(setting "$1"), not $2" "leave --$1 out, or remove it first: --uninstall --purge"
}

knows_operator() {
  key=$(sed -n '1s/^\([^ ]* [^ ]*\).*/\1/p' "$operator_key")
  [ -n "$key" ] && [ -x "$binary" ] &&
    as_account "$binary" operator list --home "$home" | grep "^$operator " | grep -qF " $key"
}

install_host() {
  if [ -n "$operator_key" ] && [ ! -r "$operator_key" ]; then fail "cannot read $operator_key"; fi
  if ! is_initialised; then
    [ -z "$address" ] || step "make it HostA, with $operator as the first operator" init_host
    if [ -z "$address" ] && [ -n "$operator" ]; then fail "there is no HostA in $home yet" "give --address too"; fi
  elif [ -n "$operator" ]; then
    knows_operator || step "let the operator $operator in" add_operator
  fi
}

# --- does it run

answers() {
  place=$(setting listen)
  port=${place##*:}
  where=${place%:*}
  where=${where#\[}
  where=${where%\]}
  case $where in 0.0.0.0) where=127.0.0.1 ;; ::) where=::1 ;; esac
  ssh-keyscan -T 2 -p "$port" "$where" 2>/dev/null | grep -q .
}

await_answer() {
  tries=50
  until [ -n "$(run_processes)" ] && answers; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.2 2>/dev/null || sleep 1
  done
  [ "$tries" -eq 0 ] || return 0
  # What keeps it from running it says itself, when it is started where its words are heard.
  stop_run
  said=$(as_account timeout 5 "$binary" run --home "$home" 2>&1 | tail -n 2) || true
  echo "$said" >&2
  fail "HostA does not answer on $(setting listen)" "mend that, and run this again"
}

# --- the two things this script does

# The program beside this script, where 'make install' or a package puts it, or where a checkout builds it.
find_program() {
  for program in "$here/fleet-server" "$here/../../../bin/fleet-server" "$here/../../.build/release/fleet-server"; do
    [ ! -f "$program" ] || return 0
  done
  [ "$dry_run" = yes ] || fail "fleet-server is not beside this script" "build it, and put it into $here"
}

install_all() {
  here=$(cd "$(dirname "$0")" && pwd -P)
  find_program
  [ -x /usr/sbin/sshd ] || fail "/usr/sbin/sshd is missing" "apt-get install openssh-server; its own service is not needed"
  if [ -f "$program" ]; then
    version=$("$program" --version) ||
      fail "fleet-server does not run on this machine ($(uname -sm)): it needs Linux with glibc, and the same architecture"
    if [ "$scope" = system ]; then echo "$version, for the whole machine"; else echo "$version, for $account"; fi
  fi
  refuse_other_setting address "$address"
  refuse_other_setting listen "$listen"
  refuse_other_setting ports "$ports"
  if [ "$scope" = system ]; then
    has_account || step "make the account $account" make_account
    [ -d "$home" ] || step "make the folder $home, for $account only" make_home
  fi
  [ -d "${binary%/*}" ] || step "make the folder ${binary%/*}" mkdir -m 755 -p "${binary%/*}" ||
    fail "cannot make ${binary%/*}"
  place "$program" "$binary" 755
  install_host

  lingers=yes nothing=no
  if has_systemd; then
    install_systemd
  elif command -v crontab >/dev/null 2>&1; then
    install_cron
    start_now
  else
    start_now
    nothing=yes
  fi
  [ "$dry_run" = no ] || return 0
  if is_initialised; then
    await_answer
    echo "HostA answers on $(setting listen); on the laptop:"
    as_account "$binary" login-line --home "$home"
  else
    echo "there is no HostA in $home yet: run this again with --address, --operator and --operator-key"
  fi
  if [ "$nothing" = yes ]; then
    echo "install.sh: there is neither systemd nor cron, so nothing will start HostA after a reboot" >&2
    echo "  have the machine run at boot: $binary run --home $home" >&2
    exit 3
  fi
  [ "$lingers" = yes ] || exit 3
}

uninstall_all() {
  if [ -f "$unit" ]; then
    if has_systemd; then step "stop the service" service disable --quiet --now fleet-server.service || true; fi
    step "remove $unit" rm -f "$unit"
    if has_systemd; then step "tell systemd" service daemon-reload; fi
  fi
  if command -v crontab >/dev/null 2>&1 && { [ "$scope" = user ] || has_account; }; then uninstall_cron; fi
  if [ -n "$(run_processes)" ]; then step "stop HostA" stop_run; fi
  [ ! -f "$binary" ] || step "remove $binary" rm -f "$binary"
  if is_initialised && [ "$(setting sshd_mode)" = system ]; then
    echo "the block of fleet-server in ~$account/.ssh/authorized_keys still lets devices in: take it out"
  fi
  if [ "$purge" = yes ]; then
    [ ! -d "$home" ] || step "remove $home with the registry" rm -rf "$home"
    if [ "$scope" = system ] && has_account; then step "remove the account $account" userdel "$account"; fi
  elif [ -d "$home" ]; then
    echo "the registry stays in $home; --purge removes it"
  fi
}

if [ "$uninstall" = yes ]; then uninstall_all; else install_all; fi
