#!/usr/bin/env bash
# Stops the node, if there is one, and deletes all its files, mounts and interfaces.
source "$(dirname "$0")/lib.sh"

[ -d "$CLUSTER" ] || exit 0
exec 9<"$CLUSTER"
flock 9
clean_up
