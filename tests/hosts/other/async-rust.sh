#!/usr/bin/env bash
# Executes programs through one instance of the component with asynchronous functions in wasmtime: async-rust.sh PROGRAM...
source "$(dirname "$0")/common.sh"
host=$CACHE/async-rust/debug/async-host
[ -e "$host" ] || echo "building in ${host%/debug/*}: wasmtime 48.0.8 with component-model-async (crates, 1.3 GB, some minutes)" >&2
"$ROOT/scripts/cargo.sh" build --quiet --locked --manifest-path examples/hosts/async-rust/Cargo.toml \
    --target-dir "$CACHE/async-rust" >&2
start_sidecar
"$host" "$ROOT/target/components/code-executor-async.wasm" "$@"
