#!/usr/bin/env bash
# Stands between cargo and the compiler (RUSTC_WORKSPACE_WRAPPER): crates of the workspace are built so that libFuzzer sees which
# of their code an input reaches. It is what cargo-fuzz sets, but for the sanitizer, which a stable compiler does not have and
# code without `unsafe` does not need; and but for what others wrote, which is then built once for all.
set -euo pipefail

# A build script is no part of a target.
if [[ " $* " != *" build_script_"* ]]; then
    set -- "$@" --cfg fuzzing -Cdebug-assertions=yes -Coverflow-checks=yes -Cpasses=sancov-module
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        set -- "$@" "-Cllvm-args=-sanitizer-coverage-$option"
    done
fi
exec "$@"
