#!/usr/bin/env bash
# Usage: node.sh NAME FOLDER
# Installs the Node packages of FOLDER/package-lock.json into the folder NAME of the cache, and prints its path.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=$CACHE/$1
wanted=$2/package-lock.json
have node && have npm || install_packages nodejs npm || die "Node is missing: install Node 20 or later, with npm"
# The copy is written last: a folder that has it is complete.
if ! cmp -s "$wanted" "$folder/complete"; then
    say "installing the packages of $wanted into the cache"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$2"/package*.json "$folder"
    # The installation scripts of these packages are not needed.
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error ||
        die "npm could not install the packages of $wanted"
    cp "$wanted" "$folder/complete"
fi
echo "$folder" >&3
