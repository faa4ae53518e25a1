#!/usr/bin/env bash
# Usage: build-embedded.sh [components]
# Builds the artifacts that the program embeds: the components and the runner, or only the components.
source "$(dirname "$0")/lib.sh"
# shellcheck source=guest-compiler.sh
source scripts/guest-compiler.sh

only=${1:-}
[ "$only" ] || build_runner
for guest in code-executor code-executor-stream code-executor-async code-executor-tool http-bridge; do build_guest "$guest"; done

# Copies only changed files: the program's build script checks their modification times.
mkdir -p target/runner target/components "$out/components"
[ "$only" ] || install -C "$out/$arch-unknown-linux-musl/small/cofferdam-runner" target/runner/cofferdam-runner
scripts/componentize.sh "$out/components"
install -C -m 644 "$out"/components/*.wasm target/components
