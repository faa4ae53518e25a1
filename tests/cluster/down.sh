#!/usr/bin/env bash
# Stops the node and takes away all that it left on the machine; harmless when there is none.
source "$(dirname "$0")/lib.sh"

[ -d "$CLUSTER" ] || exit 0
exec 9<"$CLUSTER"
flock 9
clean_up
