#!/usr/bin/env bash
# Builds wit-bindgen with its generator for Go into the cache, together with the Go module that its bindings import. Prints
# its folder.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

version=0.63.0
folder=$CACHE/wit-bindgen-$version
# It is made last: a folder that has it is complete.
if [ ! -e "$folder/complete" ]; then
    say "building wit-bindgen $version into the cache (17 MB; its 144 crates take 440 MB and some minutes to build)"
    rm -rf "$folder"
    mkdir -p "$folder"
    cargo install --quiet --locked --root "$folder" --target-dir "$folder/build" --no-default-features --features go \
        "wit-bindgen-cli@$version" || die "wit-bindgen $version cannot be built"
    rm -r "$folder/build"
    # Cargo has unpacked the sources.
    modules=("${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"wit-bindgen-go-$version/src/pkg")
    cp -r "${modules[0]}" "$folder/go-pkg"
    touch "$folder/complete"
fi
echo "$folder" >&3
