#!/bin/sh
# Installs the shell agent on this box from the folder in which this script lies, and starts it.
#
#   as root           /usr/local/bin (on OpenWrt /usr/bin), /etc/fleet-shell-agent, a service of systemd or procd
#   otherwise         ~/.local/bin, ~/.config/fleet-shell-agent, a user service that lingers
#   with neither      cron starts it: at boot and, should it have ended, every minute
#
# Running it again changes only what differs.
#
# usage: install.sh [--user] [--dry-run] [--uninstall]
#   --user       install for this account only, even as root
#   --dry-run    say what would be done, and do nothing
#   --uninstall  stop the agent and remove all of it, the device's key too
#
# exit status: 0 done, 1 failed, 2 usage, 3 done and running, but nothing will start it after a reboot
set -eu
umask 077

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

scope=user dry_run=no uninstall=no changed=no
[ "$(id -u)" -ne 0 ] || scope=system
for option in "$@"; do
  case $option in
  --user) scope=user ;;
  --dry-run) dry_run=yes ;;
  --uninstall) uninstall=yes ;;
  *) echo "usage: install.sh [--user] [--dry-run] [--uninstall]" >&2 && exit 2 ;;
  esac
done

here=$(cd "$(dirname "$0")" && pwd -P)
name=fleet-shell-agent
account=fleet-agent
init=/etc/init.d/$name

has_procd() { [ "$scope" = system ] && [ -f /etc/rc.common ] && [ -x /sbin/procd ]; }
has_systemd() {
  [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 || return 1
  [ "$scope" = user ] || return 0
  XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
  export XDG_RUNTIME_DIR
  systemctl --user show-environment >/dev/null 2>&1
}
service() { if [ "$scope" = system ]; then systemctl "$@"; else systemctl --user "$@"; fi; }

if [ "$scope" = system ]; then
  program=/usr/local/bin/$name
  ! has_procd || program=/usr/bin/$name
  folder=/etc/$name
  unit=/etc/systemd/system/$name.service
else
  HOME=$(cd "${HOME:?}" && pwd -P)
  program=$HOME/.local/bin/$name
  folder=${XDG_CONFIG_HOME:-$HOME/.config}/$name
  unit=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/$name.service
fi

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

copy() {
  if ! cp "$1" "$2.new" || ! chmod "$3" "$2.new"; then fail "cannot write $2"; fi
  if [ -n "$owner" ] && [ "${2%/*}" = "$folder" ]; then chown "$owner" "$2.new" || fail "cannot give $2 to $owner"; fi
  mv -f "$2.new" "$2" || fail "cannot write $2"
}

# place FILE TARGET MODE: copies in one step, and only what differs.
place() {
  if [ -f "$2" ] && cmp -s "$1" "$2"; then return 0; fi
  changed=yes
  [ -d "${2%/*}" ] || step "make the folder ${2%/*}" mkdir -p "${2%/*}" || fail "cannot make ${2%/*}"
  step "write $2" copy "$@"
}

# --- the process: a shell whose arguments name the installed program

agent_processes() {
  for process in /proc/[0-9]*; do
    case " $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null)" in
    *" $program --folder $folder "*) [ "${process#/proc/}" = $$ ] || echo "${process#/proc/}" ;;
    esac
  done
}

stop_agent() {
  for process in $(agent_processes); do kill "$process" 2>/dev/null || true; done
  tries=10
  while [ -n "$(agent_processes)" ] && [ "$tries" -gt 0 ]; do
    sleep 1
    tries=$((tries - 1))
  done
}

start_detached() {
  set -- /bin/sh "$program" --folder "$folder"
  [ -z "$owner" ] || set -- su -s /bin/sh -c "exec /bin/sh $program --folder $folder" "$account"
  if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; else set -- nohup "$@"; fi
  "$@" </dev/null >/dev/null 2>&1 &
}

# --- cron

cron_table() { if [ -n "$owner" ]; then crontab -u "$account" "$@"; else crontab "$@"; fi; }
other_cron_lines() { cron_table -l 2>/dev/null | sed "/^# $name: begin\$/,/^# $name: end\$/d"; }
write_cron_table() { printf '%s\n' "$1" | cron_table - || fail "crontab does not take the lines"; }

install_cron() {
  # cron takes a bare % for the end of the line.
  command=$(printf "/bin/sh '%s' --folder '%s' >/dev/null 2>&1" "$program" "$folder" | sed 's/%/\\%/g')
  others=$(other_cron_lines)
  wanted="${others:+$others
}# $name: begin
@reboot $command
* * * * * $command
# $name: end"
  [ "$wanted" = "$(cron_table -l 2>/dev/null)" ] ||
    step "let cron start the agent at boot and, should it have ended, every minute" write_cron_table "$wanted"
}

uninstall_cron() {
  case $(cron_table -l 2>/dev/null) in *"# $name: begin"*) ;; *) return 0 ;; esac
  others=$(other_cron_lines)
  if [ -n "$others" ]; then
    step "take the agent's lines out of the cron table" write_cron_table "$others"
  else
    step "remove the cron table, which had the agent's lines only" cron_table -r
  fi
}

# --- the account of the system service; on OpenWrt, where root runs everything, there is none

choose_owner() {
  owner=''
  if [ "$scope" = user ] || has_procd; then return; fi
  if id "$account" >/dev/null 2>&1 || command -v useradd >/dev/null 2>&1; then owner=$account:$account; fi
}

make_account() {
  useradd --system --user-group --home-dir / --shell /usr/sbin/nologin "$account" ||
    fail "cannot make the account $account"
}

make_folder() {
  mkdir -p "$folder" || fail "cannot make $folder"
  [ -z "$owner" ] || chown "$owner" "$folder" || fail "cannot give $folder to $account"
}

# --- the two things this script does

install_agent() {
  for file in $name.sh settings known_hosts id_ed25519 id_dropbear; do
    [ -f "$here/$file" ] || fail "$here/$file is missing; run this script in the folder of a bundle"
  done
  command -v ssh >/dev/null 2>&1 || command -v dbclient >/dev/null 2>&1 ||
    fail "neither OpenSSH's ssh nor Dropbear's dbclient is on this box"
  if [ -n "$owner" ] && ! id "$account" >/dev/null 2>&1; then step "make the account $account" make_account; fi
  [ -d "$folder" ] || step "make the folder $folder" make_folder
  place "$here/$name.sh" "$program" 755
  place "$here/settings" "$folder/settings" 600
  place "$here/known_hosts" "$folder/known_hosts" 600
  # A device that has replaced its key keeps the new one: the bundle's opens nothing any more.
  if [ ! -f "$folder/replaced" ] || ! cmp -s "$here/id_ed25519" "$folder/replaced"; then
    place "$here/id_ed25519" "$folder/id_ed25519" 600
    place "$here/id_dropbear" "$folder/id_dropbear" 600
    if [ -f "$folder/replaced" ]; then step "forget the key before" rm -f "$folder/replaced" "$folder"/id_*.next; fi
  fi

  if has_procd; then
    place "$here/$name.init" "$init" 755
    if [ -d /lib/upgrade/keep.d ]; then
      printf '%s\n' "$folder" "$program" "$init" >"$here/keep"
      place "$here/keep" "/lib/upgrade/keep.d/$name" 644
    fi
    step "have procd start the agent, now and at every boot" start_procd
  elif has_systemd; then
    if [ "$scope" = system ]; then place "$here/$name.service" "$unit" 644; else
      place "$here/$name-user.service" "$unit" 644
      [ -e "/var/lib/systemd/linger/$(id -un)" ] ||
        step "let the services of $(id -un) run without a login" loginctl enable-linger ||
        echo "install.sh: lingering was refused; as root: loginctl enable-linger $(id -un)" >&2
    fi
    step "have systemd start the agent, now and at every boot" start_systemd
  else
    starts_again=yes
    if command -v crontab >/dev/null 2>&1; then install_cron; else starts_again=no; fi
    if [ "$changed" = yes ] && [ -n "$(agent_processes)" ]; then step "stop the agent with the old files" stop_agent; fi
    [ -n "$(agent_processes)" ] || step "start the agent now" start_detached
    if [ "$starts_again" = no ]; then
      echo "install.sh: there is neither systemd, procd nor cron, so nothing will start the agent after a reboot" >&2
      echo "  have the box run at boot: /bin/sh $program --folder $folder" >&2
      exit 3
    fi
  fi
}

start_procd() { "$init" enable && "$init" restart; }

start_systemd() {
  service daemon-reload
  service enable --quiet $name.service
  if [ "$changed" = yes ]; then service restart $name.service; else service start $name.service; fi
}

uninstall_agent() {
  if [ -f "$init" ] && has_procd; then
    step "stop the service" "$init" stop || true
    step "keep procd from starting it" "$init" disable || true
    step "remove $init" rm -f "$init" "/lib/upgrade/keep.d/$name"
  fi
  if [ -f "$unit" ]; then
    if has_systemd; then step "stop the service" service disable --quiet --now $name.service || true; fi
    step "remove $unit" rm -f "$unit"
    if has_systemd; then step "tell systemd" service daemon-reload; fi
  fi
  if command -v crontab >/dev/null 2>&1; then uninstall_cron; fi
  [ -z "$(agent_processes)" ] || step "stop the agent" stop_agent
  [ ! -f "$program" ] || step "remove $program" rm -f "$program"
  [ ! -d "$folder" ] || step "remove $folder with the device's key" rm -rf "$folder"
}

choose_owner
if [ "$uninstall" = yes ]; then uninstall_agent; else install_agent; fi
