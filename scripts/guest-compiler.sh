# shellcheck shell=bash
# Sourced after lib.sh: `build_runner` and `build_guest PACKAGE [CARGO-OPTION...]` compile for the sandbox and for
# WebAssembly, with rustup's compiler or Debian's; `componentize ARGUMENT...` makes components.

compiler=$(<"$SETUP/compiler")
# Two compilers in one target folder would rebuild each other's artifacts.
out=target/by-$compiler
# Where modules are.
# shellcheck disable=SC2034 # for those who source this
modules=$out/wasm32-unknown-unknown/small
arch=$(uname -m)
case $compiler in
rustup) cargo=(cargo) ;;
debian) cargo=(env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo) ;;
esac

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

build_guest() {
    case $compiler in
    rustup) build "$1" wasm32-unknown-unknown "${@:2}" -- ;;
    debian)
        build "$1" wasm32-unknown-unknown "${@:2}" -Zbuild-std=std,panic_abort -- \
            -Clinker=wasm-ld -Zlocation-detail=none
        ;;
    esac
}

build_runner() {
    # It waits for system calls, so size counts more than speed.
    local target=$arch-unknown-linux-musl size=(--config 'profile.small.opt-level="z"')
    case $compiler in
    rustup) build cofferdam-runner "$target" "${size[@]}" -- ;;
    debian)
        # The standard library links libunwind. With immediate aborts none of it is used, so an empty archive is enough.
        mkdir -p "$out/stub"
        [ -e "$out/stub/libunwind.a" ] || ar crs "$out/stub/libunwind.a"
        build cofferdam-runner "$target" "${size[@]}" \
            -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size -- \
            -Ctarget-feature=+crt-static -Crelocation-model=static -Clinker=musl-gcc -Clink-arg=-static \
            -Clink-self-contained=no "-L$PWD/$out/stub" -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none
        # rustup's standard library alone is larger: it prints backtraces.
        [ "$(stat --format %s "$out/$target/small/cofferdam-runner")" -le $((400 << 10)) ] ||
            die "the runner is larger than 400 KiB"
        ;;
    esac
}

componentize() {
    cargo build --quiet --release --locked --workspace --bin componentize
    target/release/componentize "$@"
}
