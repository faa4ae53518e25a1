#!/usr/bin/env bash
# A RUSTC_WORKSPACE_WRAPPER that builds the crates of the workspace with libFuzzer's coverage instrumentation. The
# flags are those of cargo-fuzz, except for the sanitizer, which a stable compiler does not have and code without
# `unsafe` does not need. Dependencies are not instrumented, so they are built once for all targets.
set -euo pipefail

# Build scripts are not fuzzed.
if [[ " $* " != *" build_script_"* ]]; then
    set -- "$@" --cfg fuzzing -Cdebug-assertions=yes -Coverflow-checks=yes -Cpasses=sancov-module
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        set -- "$@" "-Cllvm-args=-sanitizer-coverage-$option"
    done
fi
exec "$@"
