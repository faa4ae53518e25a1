#!/usr/bin/env bash
# Executes programs through one instance of the component with asynchronous functions in Node: async-node.sh [PROGRAM...]
source "$(dirname "$0")/common.sh"
install_node
install_jco
mkdir -p "$RUN/examples/hosts"
cp -r "$ROOT/examples/hosts/jspi" "$ROOT/examples/hosts/async-node" "$RUN/examples/hosts"
cd "$RUN/examples/hosts/async-node"
"$CACHE/jco/node_modules/.bin/jco" transpile "$ROOT/target/components/code-executor-async.wasm" --out-dir out --quiet \
    --map 'cofferdam:code-executor-async/sandbox=../sandbox.mjs'
start_sidecar
if [ "$PROGRAM" ]; then "$NODE" run.mjs "$@"; else "$NODE" "$CALLERS/jspi.mjs"; fi
