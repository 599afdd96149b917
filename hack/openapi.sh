#!/usr/bin/env bash
# Prints the directory that holds GitHub's OpenAPI description, for GITHUB_OPENAPI_DIR: the one that is set already, or
# the npm package @octokit/openapi, fetched once. Where there is neither, the check against it does not run: that is said
# on stderr, and nothing is printed.
set -euo pipefail

version=23.0.2
sha512=a55f0cecbf46636dc0c9b36f4e6a369f28e6a669edebedac444fedaabd192d070f4b8967c3bbb979918d9b044d9010b70fb8195db171e401f32d455105718386
files=(generated/api.github.com.json generated/ghes-3.19.json)

without_check() {
  echo "openapi.sh: $1: the simulator's traffic is NOT checked against GitHub's OpenAPI description." >&2
  exit 0
}

if [[ -n "${GITHUB_OPENAPI_DIR:-}" ]]; then
  for name in github.com.json "${files[0]}"; do
    if [[ -f "$GITHUB_OPENAPI_DIR/$name" ]]; then
      echo "$GITHUB_OPENAPI_DIR"
      exit 0
    fi
  done
  echo "openapi.sh: GITHUB_OPENAPI_DIR is $GITHUB_OPENAPI_DIR, and there is neither github.com.json nor ${files[0]} in it." >&2
  exit 1
fi

target="${XDG_CACHE_HOME:-$HOME/.cache}/github-webhook-operator/openapi-$version"
if [[ -d "$target" ]]; then
  echo "$target"
  exit 0
fi

command -v npm >/dev/null || without_check "npm is not installed and GITHUB_OPENAPI_DIR is not set"
mkdir -p "$(dirname "$target")"
# Beside the target, so that the last step is a rename: a run that is stopped leaves nothing half done there.
work="$(mktemp -d "$target.XXXXXX")"
trap 'rm -rf "$work"' EXIT
echo "openapi.sh: fetching @octokit/openapi@$version once (about 30 MB) into $target" >&2
(cd "$work" && npm pack --silent "@octokit/openapi@$version" >/dev/null) || without_check "npm could not fetch @octokit/openapi@$version"
archive=("$work"/*.tgz)
fetched="$(node -e 'console.log(require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("hex"))' "${archive[0]}")"
if [[ "$fetched" != "$sha512" ]]; then
  echo "openapi.sh: what npm fetched is not the @octokit/openapi@$version that is expected: its SHA-512 differs." >&2
  exit 1
fi
mkdir "$work/unpacked"
tar -xzf "${archive[0]}" -C "$work/unpacked" --strip-components=1 "${files[@]/#/package/}"
chmod 755 "$work/unpacked"
[[ -d "$target" ]] || mv "$work/unpacked" "$target"
echo "$target"
