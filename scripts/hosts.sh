#!/usr/bin/env bash
# Sets up what the examples of hosts need, in the cache: Python with wasmtime, the wasmtime CLI, and for Node jco, which it
# links into examples/hosts/node. Prints the folder of the programs.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh hosts examples/hosts/python/requirements.txt)
# The CLI's package has lost its permission to be executed.
"$python" -c 'import wasmtime_cli; wasmtime_cli._binary_path().chmod(0o755)'

wanted=examples/hosts/node/package-lock.json
folder=$CACHE/hosts-node
have node && have npm || install_packages nodejs npm || die "no Node here: install Node 20 or later, with npm"
if ! cmp -s $wanted "$folder/complete"; then
    say "installing into the cache what $wanted names"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp examples/hosts/node/package*.json "$folder"
    # What these packages would do when they are installed is not needed.
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error ||
        die "npm could not install what $wanted names"
    # The copy is put there last: what has it is whole.
    cp $wanted "$folder/complete"
fi
[ -e examples/hosts/node/node_modules ] || ln -s "$folder/node_modules" examples/hosts/node/node_modules
dirname "$python" >&3
