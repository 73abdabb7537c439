#!/usr/bin/env bash
# slowest.sh DIR SINCE: what was built in DIR after the file SINCE was touched: how many files, the sum of their steps, the
# ten slowest.
set -euo pipefail
since=$(realpath "$2")
cd "$1"
files=0 sum=0 lines=()
while IFS=$'\t' read -r ms output; do
  [ "$output" -nt "$since" ] || continue
  files=$((files + 1)) sum=$((sum + ms))
  lines+=("$(printf '%6d.%d s  %s' $((ms / 1000)) $((ms / 100 % 10)) "$output")")
done < <(awk -F'\t' '!/^#/ { ms[$4] = $2 - $1 } END { for (o in ms) print ms[o] "\t" o }' .ninja_log | sort -rn)
echo "built $files files, $((sum / 1000)) s of steps; the slowest:"
if [ "$files" -gt 0 ]; then printf '%s\n' "${lines[@]:0:10}"; fi
