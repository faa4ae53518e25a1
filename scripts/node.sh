#!/usr/bin/env bash
# Prints the path of a folder in the cache with the Node packages that a package-lock.json names: node.sh FOLDER WHERE-IT-IS.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=$CACHE/$1
wanted=$2/package-lock.json
have node && have npm || install_packages nodejs npm || die "no Node here: install Node 20 or later, with npm"
# The copy is put there last: what has it is whole.
if ! cmp -s "$wanted" "$folder/complete"; then
    say "installing into the cache what $wanted names"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$2"/package*.json "$folder"
    # What these packages would do when they are installed is not needed.
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error ||
        die "npm could not install what $wanted names"
    cp "$wanted" "$folder/complete"
fi
echo "$folder" >&3
