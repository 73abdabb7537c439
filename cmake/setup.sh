#!/usr/bin/env bash
# Installs what is missing of cmake/packages.txt for the modes named there. Asks nothing; takes a moment
# when nothing is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
known() { [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[^\(]* ]]; }

# Of "a|b": the one installed, else nothing.
present() {
  local one
  for one in ${1//|/ }; do
    if installed "$one"; then return 0; fi
  done
  return 1
}

# Of "a|b": the first that this Debian has.
choose() {
  local one
  for one in ${1//|/ }; do
    if known "$one"; then echo "$one"; return 0; fi
  done
  echo "setup: none of ${1//|/, } is a package of this system" >&2
  return 1
}

wanted=()
for mode in "$@"; do
  while read -r package; do
    present "$package" || wanted+=("$package")
  done < <(awk -v mode="$mode" '$1 == mode { print $2 }' "$here/packages.txt")
done
if [ ${#wanted[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: these packages are missing, and installing needs root: ${wanted[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${#wanted[@]} packages: ${wanted[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${as_root[@]}" apt-get update -qq >"$log" 2>&1 || { cat "$log" >&2; echo "setup: apt-get update failed" >&2; exit 1; }
# What is installed to be run by tests must not begin to serve by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap 'rm -f "$log"; "${as_root[@]}" rm -f "$policy"' EXIT
fi
names=()
for package in "${wanted[@]}"; do names+=("$(choose "$package")"); done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${names[@]}" >"$log" 2>&1 ||
  { tail -20 "$log" >&2; echo "setup: apt-get install failed" >&2; exit 1; }
