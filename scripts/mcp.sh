#!/usr/bin/env bash
# Sets up the MCP clients that the tests use, in the cache: the official one for Python, and the inspector for Node. Prints the
# path of that Python and that of the inspector's program, a line each.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh mcp tests/mcp/requirements.txt)
inspector=$(scripts/node.sh mcp-inspector tests/mcp/inspector)
printf '%s\n' "$python" "$inspector/node_modules/.bin/mcp-inspector" >&3
