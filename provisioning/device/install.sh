#!/bin/sh
# Installs fleet-agent on this box from the folder in which this script lies, and starts it.
#
#   as root           /usr/local/bin/fleet-agent, /etc/fleet-agent, the account fleet-agent, a system service
#   otherwise         ~/.local/bin/fleet-agent, ~/.config/fleet-agent, a user service that lingers
#   without systemd   cron starts it: at boot and, should it have ended, every minute
#
# Running it again changes only what differs; a key that the device has replaced since stays. A folder with enroll.json
# makes a box that asks to join.
#
# usage: install.sh [--user] [--dry-run] [--uninstall] [--from FOLDER]
#   --user       install for this account only, even as root
#   --dry-run    say what would be done, and do nothing; the files need not be there yet
#   --from       the folder in which the files lie, instead of this script's own
#   --uninstall  stop the agent and remove all of it, the device's key too
#
# exit status: 0 done, 1 failed, 2 usage, 3 done and running, but nothing will start it after a reboot

set -eu
umask 077

usage() {
  echo "usage: install.sh [--user] [--dry-run] [--uninstall] [--from FOLDER]" >&2
  exit 2
}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

scope=user
[ "$(id -u)" -ne 0 ] || scope=system
dry_run=no
uninstall=no
here=""
while [ $# -gt 0 ]; do
  case $1 in
  --user) scope=user ;;
  --dry-run) dry_run=yes ;;
  --uninstall) uninstall=yes ;;
  --from)
    [ $# -gt 1 ] || usage
    here=$2
    shift
    ;;
  *) usage ;;
  esac
  shift
done

account=fleet-agent
if [ "$scope" = system ]; then
  binary=/usr/local/bin/fleet-agent
  folder=/etc/fleet-agent
  unit=/etc/systemd/system/fleet-agent.service
else
  HOME=$(cd "${HOME:?}" && pwd -P)
  config_home=${XDG_CONFIG_HOME:-$HOME/.config}
  binary=$HOME/.local/bin/fleet-agent
  folder=$config_home/fleet-agent
  unit=$config_home/systemd/user/fleet-agent.service
fi
changed=no
# Stands from the first changed file until the agent runs with all of them: a run that was cut off in between would
# leave an agent with the old ones, and the next run would find nothing to change.
unfinished=$folder.restart-needed

# step SENTENCE COMMAND...: says what is done, and does it unless this is a rehearsal.
step() {
  if [ "$dry_run" = yes ]; then
    echo "would $1"
    shift
    show_command "$@"
    return 0
  fi
  echo "$1"
  shift
  "$@"
}

# The command of a step, where its sentence does not say it all.
show_command() {
  case $1 in
  copy | make_account | remove_account | stop_agent | write_mark) ;;
  service)
    shift
    if [ "$scope" = system ]; then echo "  systemctl $*"; else echo "  systemctl --user $*"; fi
    ;;
  linger) echo "  loginctl enable-linger" ;;
  make_system_folder) echo "  mkdir -p $folder; chown $account:$account; chmod 750" ;;
  start_detached) echo "  $binary run --config $folder/agent.json" ;;
  write_cron_table) printf '%s\n' "$2" | sed 's/^/  crontab: /' ;;
  cron_table) echo "  crontab -r" ;;
  *) echo "  $*" ;;
  esac
}

# place FILE TARGET MODE [OWNER]: copies in one step, and only what differs.
place() {
  if [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2"; then return 0; fi
  changed=yes
  [ "$dry_run" = yes ] || : >"$unfinished" || fail "cannot write $unfinished"
  step "write $2, mode $3" copy "$@"
}

copy() {
  new=$2.new
  # The folder may belong to the agent's account: root writes nothing through a name that stands in there.
  case $2 in "$folder"/*) new=$folder.new ;; esac
  if ! reason=$({
    cp "$1" "$new" && chmod "$3" "$new" && { [ -z "${4:-}" ] || chown "$4" "$new"; } && mv -f "$new" "$2"
  } 2>&1); then
    rm -f "$new"
    fail "cannot write $2: ${reason##*: }"
  fi
}

# The processes that run the installed program, also the one that was replaced just now.
agent_processes() {
  for process in /proc/[0-9]*; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    case $program in
    "$binary" | "$binary (deleted)" | "$binary.new") echo "${process#/proc/}" ;;
    esac
  done
}

stop_agent() {
  for process in $(agent_processes); do kill "$process" 2>/dev/null || true; done
  tries=50
  while [ -n "$(agent_processes)" ] && [ "$tries" -gt 0 ]; do
    sleep 0.1 2>/dev/null || sleep 1
    tries=$((tries - 1))
  done
  for process in $(agent_processes); do kill -9 "$process" 2>/dev/null || true; done
}

finish_change() { [ "$dry_run" = yes ] || rm -f "$unfinished"; }

# --- systemd

has_system_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# The user's own manager, which a session without a desktop may have to be told about.
has_user_systemd() {
  has_system_systemd || return 1
  XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
  export XDG_RUNTIME_DIR
  systemctl --user show-environment >/dev/null 2>&1
}

has_systemd() { if [ "$scope" = system ]; then has_system_systemd; else has_user_systemd; fi; }

service() { if [ "$scope" = system ]; then systemctl "$@"; else systemctl --user "$@"; fi; }

linger() {
  loginctl enable-linger || {
    echo "install.sh: lingering was refused, so the agent runs only while $(id -un) is logged in" >&2
    echo "  as root: loginctl enable-linger $(id -un)" >&2
    lingers=no
  }
}

install_systemd() {
  lingers=yes
  if [ "$scope" = user ] && [ ! -e "/var/lib/systemd/linger/$(id -un)" ]; then
    step "let the services of $(id -un) run without a login" linger
  fi
  [ -d "${unit%/*}" ] || step "make the folder ${unit%/*}" mkdir -p "${unit%/*}"
  if [ "$scope" = system ]; then
    place "$here/fleet-agent.service" "$unit" 644
  else
    place "$here/fleet-agent-user.service" "$unit" 644
  fi
  if [ "$changed" = yes ]; then step "tell systemd of the service" service daemon-reload; fi
  if ! service is-enabled --quiet fleet-agent.service 2>/dev/null; then
    step "have the service started at every boot" service enable --quiet fleet-agent.service
  fi
  if [ "$changed" = yes ] || ! service is-active --quiet fleet-agent.service; then
    step "start the service" service restart fleet-agent.service
  fi
  finish_change
  [ "$lingers" = yes ] || exit 3
}

# --- cron

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

cron_table() { if [ "$scope" = system ]; then crontab -u "$account" "$@"; else crontab "$@"; fi; }

# The table without our lines; it may be empty.
other_cron_lines() { cron_table -l 2>/dev/null | sed '/^# fleet-agent: begin$/,/^# fleet-agent: end$/d'; }

our_cron_lines() {
  # cron takes a bare % for the end of the line.
  command="$(quoted "$binary") run --config $(quoted "$folder/agent.json") >/dev/null 2>&1"
  command=$(printf '%s' "$command" | sed 's/%/\\%/g')
  echo "# fleet-agent: begin"
  echo "@reboot $command"
  echo "* * * * * $command"
  echo "# fleet-agent: end"
}

write_cron_table() { printf '%s\n' "$1" | cron_table - || fail "crontab does not take the lines"; }

install_cron() {
  others=$(other_cron_lines)
  wanted=$({ [ -z "$others" ] || printf '%s\n' "$others"; our_cron_lines; })
  if [ "$wanted" != "$(cron_table -l 2>/dev/null)" ]; then
    step "let cron start the agent at boot and, should it have ended, every minute" write_cron_table "$wanted"
  fi
}

uninstall_cron() {
  table=$(cron_table -l 2>/dev/null) || return 0
  case $table in *"# fleet-agent: begin"*) ;; *) return 0 ;; esac
  others=$(other_cron_lines)
  if [ -n "$others" ]; then
    step "take the agent's lines out of the cron table" write_cron_table "$others"
  else
    step "remove the cron table, which had the agent's lines only" cron_table -r
  fi
}

# --- without a service manager

start_detached() {
  set -- "$binary" run --config "$folder/agent.json"
  if [ "$scope" = system ]; then
    set -- su -s /bin/sh -c "exec $(quoted "$1") run --config $(quoted "$folder/agent.json")" "$account"
  fi
  if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; else set -- nohup "$@"; fi
  "$@" </dev/null >/dev/null 2>&1 &
}

start_now() {
  if [ "$changed" = yes ] && [ -n "$(agent_processes)" ]; then
    step "stop the agent that runs with the old files" stop_agent
  fi
  if [ "$dry_run" = yes ] || [ -z "$(agent_processes)" ]; then step "start the agent now" start_detached; fi
  finish_change
}

# --- the account of the system service

# The agent writes there: a new key beside the old one, and its configuration when it joins.
make_system_folder() {
  if ! mkdir -p "$folder" || ! chown "$account:$account" "$folder" || ! chmod 750 "$folder"; then
    fail "cannot make $folder"
  fi
}

is_the_accounts() { [ -n "$(find "$folder" -prune -user "$account" 2>/dev/null)" ]; }

has_account() { id "$account" >/dev/null 2>&1; }

make_account() {
  if command -v useradd >/dev/null 2>&1; then
    useradd --system --user-group --home-dir / --shell /usr/sbin/nologin "$account"
  else
    addgroup -S "$account" && adduser -S -D -h / -s /sbin/nologin -G "$account" "$account"
  fi || fail "cannot make the account $account"
}

remove_account() {
  if command -v userdel >/dev/null 2>&1; then userdel "$account"; else deluser "$account"; fi
}

# --- the key and what belongs to it

value_in() { sed -n "s/.*\"$2\":\"\([A-Za-z0-9._-]*\)\".*/\1/p" "$1" 2>/dev/null; }

# Tells this bundle from one that was made later for the same device.
bundle_mark() { echo "$(value_in "$here/agent.json" device) $(cksum <"$here/id_ed25519")"; }

is_this_bundle() {
  [ -f "$here/id_ed25519" ] && [ -f "$folder/id_ed25519" ] && [ "$(cat "$folder/bundle" 2>/dev/null)" = "$(bundle_mark)" ]
}

write_mark() { if ! bundle_mark >"$folder.new" || ! mv -f "$folder.new" "$folder/bundle"; then fail "cannot write $folder"; fi; }

place_device() {
  # Once the device has replaced the bundle's key, that key opens nothing any more.
  if ! is_this_bundle; then
    [ ! -f "$folder/id_ed25519.new" ] || step "remove $folder/id_ed25519.new" rm -f "$folder/id_ed25519.new"
    # Tried in place before, the agent may have been about to replace the bundle's key: both are shown to HostA then.
    [ ! -f "$here/id_ed25519.new" ] || place "$here/id_ed25519.new" "$folder/id_ed25519.new" 600 "$key_owner"
    place "$here/id_ed25519" "$folder/id_ed25519" 600 "$key_owner"
    step "note which bundle this is" write_mark
  fi
  place "$here/agent.json" "$folder/agent.json" "$mode" "$owner"
}

place_enrollment() {
  if [ -f "$folder/agent.json" ]; then
    echo "this box is the device $(value_in "$folder/agent.json" name) already, and stays that"
    return 0
  fi
  place "$here/$key" "$folder/$key" 600 "$key_owner"
  place "$here/enroll.json" "$folder/enroll.json" "$mode" "$owner"
}

# --- the two things this script does

install_agent() {
  [ -n "$here" ] || here=$(cd "$(dirname "$0")" && pwd -P)
  configuration=agent.json
  key=id_ed25519
  if [ ! -f "$here/agent.json" ] && [ -f "$here/enroll.json" ]; then
    configuration=enroll.json
    key=$(value_in "$here/enroll.json" key_file)
  fi
  if [ "$dry_run" = no ] || [ -f "$here/fleet-agent" ]; then
    for file in fleet-agent "$configuration" "${key:-the key}" fleet-agent.service fleet-agent-user.service; do
      [ -f "$here/$file" ] || [ "$dry_run" = yes ] ||
        fail "$here/$file is missing; run this script in the folder of a bundle"
    done
    version=$("$here/fleet-agent" --version) ||
      fail "the agent does not run on this machine ($(uname -sm)): it needs Linux with glibc, and the same architecture"
    if [ "$scope" = system ]; then echo "$version, for the whole machine"; else echo "$version, for $(id -un)"; fi
  fi

  if [ "$scope" = system ]; then
    has_account || step "make the account $account" make_account
    is_the_accounts || step "make the folder $folder, for root and $account only" make_system_folder
    mode=640 owner=root:$account key_owner=$account:$account
    [ -d /usr/local/bin ] || step "make the folder /usr/local/bin" mkdir -m 755 -p /usr/local/bin
  else
    [ -d "$folder" ] || step "make the folder $folder" mkdir -p "$folder" || fail "cannot make $folder"
    [ -d "${binary%/*}" ] || step "make the folder ${binary%/*}" mkdir -p "${binary%/*}" ||
      fail "cannot make ${binary%/*}"
    mode=600 owner='' key_owner=''
  fi
  place "$here/fleet-agent" "$binary" 755
  if [ "$configuration" = agent.json ]; then place_device; else place_enrollment; fi
  [ ! -e "$unfinished" ] || changed=yes

  if has_systemd; then
    install_systemd
  elif command -v crontab >/dev/null 2>&1; then
    install_cron
    start_now
  else
    start_now
    echo "install.sh: there is neither systemd nor cron, so nothing will start the agent after a reboot" >&2
    echo "  have the box run at boot: $binary run --config $folder/agent.json" >&2
    exit 3
  fi
}

uninstall_agent() {
  if [ -f "$unit" ]; then
    if has_systemd; then step "stop the service" service disable --quiet --now fleet-agent.service || true; fi
    step "remove $unit" rm -f "$unit"
    if has_systemd; then step "tell systemd" service daemon-reload; fi
  fi
  if command -v crontab >/dev/null 2>&1 && { [ "$scope" = user ] || has_account; }; then uninstall_cron; fi
  if [ -n "$(agent_processes)" ]; then step "stop the agent" stop_agent; fi
  [ ! -f "$binary" ] || step "remove $binary" rm -f "$binary"
  [ ! -e "$unfinished" ] || step "remove $unfinished" rm -f "$unfinished"
  [ ! -d "$folder" ] || step "remove $folder with the device's key" rm -rf "$folder"
  if [ "$scope" = system ]; then
    ! has_account || step "remove the account $account" remove_account
  fi
  return 0
}

if [ "$uninstall" = yes ]; then uninstall_agent; else install_agent; fi
