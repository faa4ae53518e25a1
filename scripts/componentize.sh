#!/usr/bin/env bash
# Usage: componentize.sh FOLDER
# Makes components from the built modules and writes them to FOLDER. The same modules give the same bytes.
folder=$(realpath "$1")
source "$(dirname "$0")/lib.sh"

modules=target/by-$(<"$SETUP/compiler")/wasm32-unknown-unknown/small
cargo build --quiet --release --locked --workspace --bin componentize
exec target/release/componentize guests wit "$modules" "$folder"
