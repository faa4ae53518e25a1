#!/usr/bin/env bash
# Installs into the cache what builds the example agents in Python, JavaScript and Go. Prints the folders of the programs, one
# a line.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

scripts/hosts.sh >/dev/null
python=$(scripts/python.sh agents examples/agents/python/requirements.txt)
folder=$(scripts/node.sh agents-node examples/agents/javascript)
[ -e examples/agents/javascript/node_modules ] || ln -s "$folder/node_modules" examples/agents/javascript/node_modules
scripts/go.sh examples/agents/go >/dev/null
tools=$(scripts/python.sh agents-go examples/agents/go/requirements.txt)
bindings=$(scripts/wit-bindgen.sh)
ln -sfn "$bindings/go-pkg" examples/agents/go/go-pkg
dirname "$python" "$tools" >&3
echo "$bindings/bin" >&3
