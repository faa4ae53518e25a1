#!/usr/bin/env bash
# Builds the agent as a component: `build.sh FILE` without WASI, `build.sh FILE ADAPTER` with the WASI of an adapter. GO is
# the path of Go, if `go` is too old.
set -euo pipefail
output=$(realpath "${1?usage: $0 FILE [ADAPTER]}")
adapter=$(realpath "${2-$(dirname "$0")/no-wasi.wat}")
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# It writes more than errors to its standard error.
wit-bindgen go -w agent --out-dir "$folder" ../wit 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
rm "$folder/log"
# The bindings import the package of the exports from here.
mkdir "$folder/export_wit_world"
cp agent.go "$folder/export_wit_world"
cp go.mod "$folder"
ln -s "$PWD/go-pkg" "$folder/go-pkg"
# The bindings allocate with a function of Go's runtime that the linker keeps for the standard library.
(cd "$folder" && GOOS=wasip1 GOARCH=wasm "${GO-go}" build -buildmode=c-shared -trimpath -buildvcs=false \
    -ldflags="-s -w -checklinkname=0" -o core.wasm .)
wasm-tools component embed ../wit -w agent "$folder/core.wasm" -o "$folder/embedded.wasm"
wasm-tools component new "$folder/embedded.wasm" --adapt "wasi_snapshot_preview1=$adapter" -o "$output"
