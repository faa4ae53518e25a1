#!/usr/bin/env bash
# Executes a program through Node with JSPI.
source "$(dirname "$0")/common.sh"
install_node
install_jco
transpile
start_sidecar
cd "$RUN/examples/hosts/jspi"
"$NODE" "${PROGRAM-run.mjs}" "$1"
