#!/usr/bin/env bash
# Checks the dependencies' licences, sources and duplicates, and whether anything is known against them.
source "$(dirname "$0")/lib.sh"

wanted=0.20.2
PATH=$PATH:$CACHE/bin
if ! have cargo-deny; then
    say "installing cargo-deny $wanted into the cache (built from source: some minutes)"
    cargo install --quiet --locked --root "$CACHE" --target-dir "$CACHE/build" cargo-deny@$wanted
    rm -rf "$CACHE/build"
fi
checks=(bans licenses sources)
# Their database is not in reach of every machine.
if cargo deny fetch db >/dev/null 2>&1; then
    checks+=(advisories)
else
    say "advisories are not checked: their database cannot be fetched from here"
fi
cargo deny check "${checks[@]}"
