#!/usr/bin/env bash
# Ensures that `cargo` is new enough: the toolchain of rust-toolchain.toml, or a later installed one.
source "$(dirname "$0")/lib.sh"

# version [+TOOLCHAIN]: prints its version, without installing it.
version() { RUSTUP_AUTO_INSTALL=0 rustc "$@" --version 2>/dev/null | cut -d' ' -f2; }

have cargo || die "Rust is missing: install it with rustup, or on Debian with: apt-get install cargo-web rustc-web"
current=$(version || true)
if at_least "$WANTED_RUST" "$current"; then exit 0; fi
have rustup || die "Rust ${current:-of an unknown version} is too old: $WANTED_RUST or later is needed"

say "installing Rust $WANTED_RUST (rustup toolchain)"
unset RUSTUP_TOOLCHAIN
if timeout 900 rustup toolchain install "$WANTED_RUST" --profile minimal --component clippy --component rustfmt; then
    rm -f "$SETUP/toolchain"
    exit 0
fi
for toolchain in $(rustup toolchain list | cut -d' ' -f1); do
    found=$(version "+$toolchain" || true)
    # A nightly has new lints, which would fail.
    if [[ $found != *-* ]] && at_least "$WANTED_RUST" "$found"; then
        say "the toolchain $WANTED_RUST cannot be installed; using $toolchain ($found) instead"
        mkdir -p "$SETUP"
        echo "$toolchain" >"$SETUP/toolchain"
        exit 0
    fi
done
die "Rust $WANTED_RUST could not be installed: run rustup toolchain install $WANTED_RUST"
