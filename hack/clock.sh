#!/usr/bin/env bash
# Runs a command and passes on what it prints. Whenever it has printed nothing for ten seconds, says how long it has been at
# work, so that nothing looks hung.
#
#   hack/clock.sh 'the stories' ginkgo ./controllers
#   hack/clock.sh --build 'the operator' go build -v .     the packages that -v names are counted instead of printed
set -euo pipefail

count=
if [[ "$1" == --build ]]; then
  count=1
  shift
fi
name="$1"
shift

# say prints how it stands, within 80 columns. $1 is the package that was compiled last, $2 how many were.
say() {
  local compiled=''
  [[ -n "$count" ]] && compiled=", $2 packages compiled"
  printf '  %s: %ds so far%s\n' "$name" "$SECONDS" "$compiled"
  [[ -n "${1:-}" ]] && printf '    %s\n' "$(tail -c 75 <<<"$1")" || true
}

# follow reads what the command prints. A line without its end, such as a row of dots, is passed on as it grows.
follow() {
  local line last='' packages=0 told=$SECONDS status
  while :; do
    status=0
    IFS= read -r -t 1 line || status=$?
    if [[ -n "$count" && "$line" =~ ^[a-zA-Z0-9_./@~-]+$ && "$status" == 0 ]]; then
      last="$line"
      packages=$((packages + 1))
    elif ((status == 0)); then
      printf '%s\n' "$line"
      told=$SECONDS
    elif [[ -n "$line" ]]; then
      printf '%s' "$line"
      told=$SECONDS
    fi
    ((status == 0 || status > 128)) || break
    if ((SECONDS - told >= 10)); then
      say "$last" "$packages"
      told=$SECONDS
    fi
  done
}

"$@" 2>&1 | follow
