#!/usr/bin/env bash
# Prints what CHANGELOG.md says about a version, as the notes of its release. A version that is not there is an error.
#
#   hack/changelog.sh v1.2.3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version="${1#v}"
notes="$(awk -v heading="## [$version]" '
  index($0, heading) == 1 { found = 1; next }
  found && /^## \[/ { exit }
  found { print }
' CHANGELOG.md)"
if [[ -z "${notes//[[:space:]]/}" ]]; then
  echo "CHANGELOG.md has no section \"## [$version]\": write one before the tag" >&2
  exit 1
fi
printf '%s\n' "$notes"
