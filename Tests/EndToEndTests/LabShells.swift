import Foundation
import Testing

/// Completion as the shells themselves do it.
extension Lab {
  /// What bash is offered for each command line, as it cut it into words; the last one is under the cursor.
  func bash(_ completions: URL, _ lines: [[String]]) throws -> [String] {
    let script = """
      for file in "$0"/*.bash; do source "$file"; done
      while IFS= read -r COMP_LINE; do
        IFS=$'\\t' read -r -a COMP_WORDS <<<"$COMP_LINE"
        [[ $COMP_LINE != *$'\\t' ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        # Words that bash cut at one of these stand together on the line.
        COMP_LINE=${COMP_LINE//$'\\t'/ }
        for cut in = : @; do COMP_LINE=${COMP_LINE// $cut /$cut}; done
        COMP_POINT=${#COMP_LINE} COMPREPLY=()
        function=$(complete -p "${COMP_WORDS[0]}" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        echo "${COMPREPLY[*]}"
      done
      """
    let input = lines.map { $0.joined(separator: "\t") + "\n" }.joined()
    return try succeed(laptop, ["bash", "-c", script, completions.path], input: input)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// What a zsh at a terminal makes of a command line and the tab key, in brackets, among what it draws.
  func zsh(_ completions: URL, _ line: String) throws -> String {
    let script = """
      zmodload zsh/zpty
      zpty -b shell zsh -f -i
      trap 'zpty -d shell' EXIT
      zpty -w shell "fpath=(${(q)1} \\$fpath); autoload -Uz compinit; compinit -D -u; bindkey -e"
      zpty -n -w shell "$2"$'\\t\\C-aprint -r -- "[\\C-e]"\\n'
      zpty -w shell "print the''end"
      text=""
      repeat 600; do
        while zpty -r -t shell part; do text+=$part; done
        [[ $text != *theend* ]] || { print -r -- $text; exit 0; }
        sleep 0.1
      done
      print -r -- "no end: $text"
      exit 1
      """
    return try succeed(
      laptop, ["zsh", "-f", "-c", script, "zsh", completions.path, line], environment: ["TERM": "dumb"], within: 90)
  }
}
