#!/usr/bin/env bash
# Installs into the cache what builds the example agents in Python and JavaScript. Prints the folder of the Python programs.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

scripts/hosts.sh >/dev/null
python=$(scripts/python.sh agents examples/agents/python/requirements.txt)
folder=$(scripts/node.sh agents-node examples/agents/javascript)
[ -e examples/agents/javascript/node_modules ] || ln -s "$folder/node_modules" examples/agents/javascript/node_modules
dirname "$python" >&3
