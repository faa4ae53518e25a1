#!/usr/bin/env bash
# Chooses the compiler of the guest (wasm) and the runner (musl): rustup's toolchain with two more targets, or
# Debian's compiler, which then builds the standard library for them. target/setup/compiler keeps the choice.
source "$(dirname "$0")/lib.sh"

targets=(wasm32-unknown-unknown "$(uname -m)-unknown-linux-musl")

rustup_ready() {
    local libraries target
    libraries=$(rustc --print sysroot)/lib/rustlib
    for target in "${targets[@]}"; do [ -d "$libraries/$target/lib" ] || return 1; done
}

debian_ready() {
    [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library/std ] && have ar && have wasm-ld && have musl-gcc &&
        # /usr/bin/rustc may belong to rustup.
        [ "$(/usr/bin/rustc --print sysroot 2>/dev/null)" = /usr ] &&
        at_least "$WANTED_RUST" "$(/usr/bin/rustc --version | cut -d' ' -f2)"
}

choose() {
    mkdir -p "$SETUP"
    echo "$1" >"$SETUP/compiler"
    exit 0
}

chosen=$(cat "$SETUP/compiler" 2>/dev/null || true)
if [ "$chosen" = debian ] && debian_ready; then exit 0; fi
# If rustup has failed once, it is not tried again.
if [ "$chosen" != debian ]; then
    if rustup_ready; then choose rustup; fi
    if have rustup; then
        say "adding Rust targets: ${targets[*]} (rustup)"
        if RUSTUP_MAX_RETRIES=0 timeout 180 rustup target add "${targets[@]}" && rustup_ready; then choose rustup; fi
    fi
    say "rustup cannot install these targets; using Debian's compiler instead"
fi
packages=(cargo-web lld musl-tools rust-web-src rustc-web)
debian_ready || install_packages "${packages[@]}" || true
debian_ready || die "there is no compiler for ${targets[*]}: run  rustup target add ${targets[*]}  or install Debian's" \
    "${packages[*]}, $WANTED_RUST or later, as /usr/bin/rustc; then run  make clean  and start again"
choose debian
