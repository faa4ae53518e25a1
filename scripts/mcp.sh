#!/usr/bin/env bash
# Installs into the cache what the tests of MCP use: the official client for Python, the inspector for Node, and the
# conformance suite with the Node that it needs. Prints the paths of Python, the inspector, that Node and the suite, a
# line each.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh mcp tests/mcp/requirements.txt)
inspector=$(scripts/node.sh mcp-inspector tests/mcp/inspector)
suite=$(scripts/node.sh mcp-conformance tests/mcp/conformance)/node_modules
printf '%s\n' "$python" "$inspector/node_modules/.bin/mcp-inspector" \
    "$suite"/node-linux-*/bin/node "$suite/@modelcontextprotocol/conformance/dist/index.js" >&3
