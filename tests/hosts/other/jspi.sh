#!/usr/bin/env bash
# Executes a program through Node with JSPI.
source "$(dirname "$0")/common.sh"
install_node
install_jco
transpile
start_sidecar
cd "$RUN/examples/hosts/jspi"
if [ "$PROGRAM" ]; then "$NODE" "${EXAMPLE-run.mjs}" "$PROGRAM"; else "$NODE" "$CALLERS/jspi.mjs"; fi
