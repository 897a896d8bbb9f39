#!/bin/sh
# Makes what `make install` and the packages put below share/ beside the programs: manual pages, made from man/ and from
# what the programs say of their commands, and completions.
# usage: documents.sh FOLDER-OF-THE-PROGRAMS OUTPUT-FOLDER
set -eu
umask 022
programs=$(cd "$1" && pwd)
out=$2
checkout=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$out"

# Every page gets the day of the last commit: the same sources make the same pages.
seconds=${SOURCE_DATE_EPOCH:-$(git -C "$checkout" log -1 --format=%ct 2>/dev/null || date +%s)}
day=$(LC_ALL=C date -u -d "@$seconds" '+%B %-d, %Y')

for template in "$checkout"/man/*; do
  page=${template##*/}
  section=${page##*.}
  mkdir -p "$out/man/man$section"
  case $page in
  fleet.1 | fleet-server.8) set -- "$day" "$programs/${page%.*}" ;;
  *) set -- "$day" ;;
  esac
  "$programs/fleet-manual" "$@" <"$template" >"$out/man/man$section/$page"
done

bash=$out/bash-completion/completions
zsh=$out/zsh/site-functions
fish=$out/fish/vendor_completions.d
mkdir -p "$bash" "$zsh" "$fish"
for program in fleet fleet-agent; do
  cp "$checkout/completions/$program.bash" "$bash/$program"
  cp "$checkout/completions/_$program" "$zsh/_$program"
  cp "$checkout/completions/$program.fish" "$fish/$program.fish"
done
# What is read by a shell is no program, and needs no first line that names one.
"$programs/fleet-server" --generate-completion-script bash | sed '1{/^#!/d;}' >"$bash/fleet-server"
"$programs/fleet-server" --generate-completion-script zsh >"$zsh/_fleet-server"
"$programs/fleet-server" --generate-completion-script fish >"$fish/fleet-server.fish"
chmod -R u=rwX,go=rX "$out"
