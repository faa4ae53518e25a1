#!/usr/bin/env bash
# Usage: package.sh [OPTION-OF-CARGO-PACKAGE...]
# Makes a package of each crate that is published, and builds each from the packages of the others.
source "$(dirname "$0")/lib.sh"

crates=$(cargo metadata --no-deps --format-version 1 |
    python3 -c 'import json, sys; print(*(p["name"] for p in json.load(sys.stdin)["packages"] if p["publish"] is None))')
options=()
for crate in $crates; do options+=(--package "$crate"); done
# "Dirty" are the built artifacts, which git ignores.
cargo package --locked --allow-dirty "${options[@]}" "$@"
