#!/usr/bin/env bash
# Usage: build-embedded.sh [components]
# Builds the artifacts that the program embeds: the components and the runner, or only the components.
source "$(dirname "$0")/lib.sh"

only=${1:-}

compiler=$(<"$SETUP/compiler")
# Two compilers in one target folder would rebuild each other's artifacts.
out=target/by-$compiler
arch=$(uname -m)

# build PACKAGE TARGET CARGO-OPTION... -- COMPILER-FLAG...
build() {
    local package=$1 target=$2 options=() separator=$'\x1f'
    shift 2
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    # Artifacts contain no path of the builder.
    set -- "${@:2}" "--remap-path-prefix=$PWD=." "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
    local flags
    flags=$(IFS=$separator && echo "$*")
    CARGO_ENCODED_RUSTFLAGS=$flags "${cargo[@]}" build --locked --profile small --target "$target" --target-dir "$out" \
        -p "$package" "${options[@]}"
}

guests=(code-executor code-executor-stream http-bridge)
case $compiler in
rustup)
    cargo=(cargo)
    [ "$only" ] || build cofferdam-runner "$arch-unknown-linux-musl" --
    for guest in "${guests[@]}"; do build "$guest" wasm32-unknown-unknown --; done
    ;;
debian)
    cargo=(env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo)
    # The standard library links libunwind. With immediate aborts none of it is used, so an empty archive is enough.
    mkdir -p "$out/stub"
    [ -e "$out/stub/libunwind.a" ] || ar crs "$out/stub/libunwind.a"
    [ "$only" ] || build cofferdam-runner "$arch-unknown-linux-musl" \
        -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size -- \
        -Ctarget-feature=+crt-static -Crelocation-model=static -Clinker=musl-gcc -Clink-arg=-static \
        -Clink-self-contained=no "-L$PWD/$out/stub" -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none
    for guest in "${guests[@]}"; do
        build "$guest" wasm32-unknown-unknown -Zbuild-std=std,panic_abort -- -Clinker=wasm-ld -Zlocation-detail=none
    done
    ;;
esac

# Copies only changed files: the program's build script checks their modification times.
mkdir -p target/runner target/components "$out/components"
[ "$only" ] || install -C "$out/$arch-unknown-linux-musl/small/cofferdam-runner" target/runner/cofferdam-runner
scripts/componentize.sh "$out/components"
install -C -m 644 "$out"/components/*.wasm target/components
