#!/usr/bin/env bash
# Runs a fake node in the cluster of `make cluster-up`, with the options given. Prints the node's name once Pods can be scheduled
# on it. Ends at the end of its standard input. Exits with 3 if KUBECONFIG is another cluster, which may not reach the node.
exec 3>&1 >&2
caller_kubeconfig=${KUBECONFIG:-}
source "$(dirname "$0")/lib.sh"
source tests/cluster/programs.sh

require_own "$caller_kubeconfig"
exec 9<"$CLUSTER"
flock 9
programs fake-node
exec 9<&-
exec "$CLUSTER/fake-node/fake-node" "$@" >&3 3>&-
