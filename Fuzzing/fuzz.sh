#!/bin/sh
# usage: Fuzzing/fuzz.sh RUNS [TARGET...]   sends each target RUNS inputs and shows what that took
#
# With KEEP=1 the inputs that reach something new are added to Fuzzing/Corpus: a file for each target, a line of base64 for
# each input, the shortest ones. An input that is a finding stays in .build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
runs=$1
shift
out=$PWD/.build/fuzz
mkdir -p "$out/findings"
Fuzzing/build.sh "$out/build"
fuzz=$out/build/fuzz
targets=${*:-$(FUZZ_TARGET=list "$fuzz")}

# Inputs that are kept: small, so that the repository stays small.
longest=400
most=60

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# libFuzzer keeps the input only if it hears of a crash before Swift does.
export SWIFT_BACKTRACE=enable=no
found=0
printf '%-20s %10s %9s %7s %7s %s\n' target inputs per_s kept covered result
for target in $targets; do
  rm -rf "${work:?}"/*
  mkdir "$work/new" "$work/known" "$work/least"
  FUZZ_TARGET=$target FUZZ_SEEDS=$work/known "$fuzz" -runs=0 "$work/new" >/dev/null 2>&1
  number=0
  if [ -f "Fuzzing/Corpus/$target" ]; then
    while read -r line; do
      number=$((number + 1))
      printf %s "$line" | base64 -d >"$work/known/kept-$number"
    done <"Fuzzing/Corpus/$target"
  fi
  result=good
  FUZZ_TARGET=$target "$fuzz" -runs="$runs" -seed=1 -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
    -dict=Fuzzing/words.dict -artifact_prefix="$out/findings/$target-" "$work/new" "$work/known" >"$work/log" 2>&1 ||
    { result=FINDING found=1; grep -aE 'Fatal error|ERROR: libFuzzer|Test unit written' "$work/log" >&2 || tail -5 "$work/log" >&2; }
  if [ "${KEEP:-}" ] && [ "$result" = good ]; then
    FUZZ_TARGET=$target "$fuzz" -merge=1 "$work/least" "$work/known" "$work/new" >/dev/null 2>&1
    find "$work/least" -type f -size -"$longest"c -printf '%s %p\n' | sort -n | head -n $most | cut -d' ' -f2 |
      while read -r file; do base64 -w0 "$file" && echo; done | sort -u | grep . >"Fuzzing/Corpus/$target"
  fi
  covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$work/log" | tail -1)
  done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$work/log")
  kept=$(($(find "$work/known" -type f | wc -l)))
  printf '%-20s %10s %9s %7s %7s %s\n' "$target" "${done:--}" "${rate:--}" "$kept" "${covered:--}" "$result"
done
exit "$found"
