# Completes fleet's command line in bash, by what the program itself knows of its words; it asks nobody for them.

_fleet() {
  local line=$COMP_LINE cur prefix="" word i
  local -a words=() candidates=()
  # bash cuts words at '=', ':' and '@' too. What stands together on the line is one word to fleet.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]} == 0)) || [[ $line == [[:space:]]* ]]; then
      line=${line#"${line%%[![:space:]]*}"}
      words+=("$word")
    else
      words[${#words[@]} - 1]+=$word
    fi
    line=${line#"$word"}
  done
  cur=${words[${#words[@]} - 1]}
  # A quoted word is not cut; of another one bash replaces only what stands behind the last cut.
  case $cur in
  [\'\"]*) cur=${cur:1} ;;
  *) prefix=${cur%"${cur##*[:=@]}"} ;;
  esac
  words[${#words[@]} - 1]=$cur

  local spaced=no
  while IFS=$'\t' read -r word _; do
    case $word in
    :files) _fleet_files -f "$cur" ;;
    :folders) _fleet_files -d "$cur" ;;
    *)
      candidates+=("${word#"$prefix"}")
      case $word in *[=:@,]) ;; *) spaced=yes ;; esac
      ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" complete "${words[@]:1}" 2>/dev/null)
  COMPREPLY=("${candidates[@]}")
  if [[ $spaced == no ]]; then compopt -o nospace 2>/dev/null; fi
}

# _fleet_files -f|-d WORD: adds files or folders, the latter with a slash behind them.
_fleet_files() {
  local file quoted
  while IFS= read -r file; do
    printf -v quoted %q "$file"
    [[ $file != \~* ]] || quoted=$file
    if [[ -d ${file/#\~/$HOME} ]]; then
      candidates+=("$quoted/")
    else
      candidates+=("$quoted")
      spaced=yes
    fi
  done < <(compgen "$1" -- "$2")
}

complete -F _fleet fleet
