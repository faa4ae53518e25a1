#!/usr/bin/env bash
# Checks the dependencies' licences, sources and duplicates.
source "$(dirname "$0")/lib.sh"

wanted=0.20.2
PATH=$PATH:$CACHE/bin
if ! have cargo-deny; then
    say "installing cargo-deny $wanted into the cache (built from source: some minutes)"
    cargo install --quiet --locked --root "$CACHE" --target-dir "$CACHE/build" cargo-deny@$wanted
    rm -rf "$CACHE/build"
fi
# Not the advisories: their database is not in reach of every machine.
cargo deny check bans licenses sources
