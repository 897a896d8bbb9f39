# Completes fleet-agent's command line in bash.

_fleet_agent() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'run status keygen host-keys --version --help' -- "$cur")
    return
  fi
  case ${COMP_WORDS[COMP_CWORD - 1]} in
  --config | --out)
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
    ;;
  --port) return ;;
  esac
  local options=
  case ${COMP_WORDS[1]} in
  run) options='--config' ;;
  status) options='--config --json' ;;
  keygen) options='--out' ;;
  host-keys) options='--port' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
}

complete -F _fleet_agent fleet-agent
