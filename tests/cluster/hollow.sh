#!/usr/bin/env bash
# Becomes a node without containers in the cluster that is up, with the options given; prints the node's name once Pods can be
# sent to it. It ends with its standard input. Exits with 3 where the tests' cluster is another one, which may not reach it.
exec 3>&1 >&2
theirs=${KUBECONFIG:-}
source "$(dirname "$0")/lib.sh"
source tests/cluster/programs.sh

alive && [ "$(realpath -m "$theirs")" = "$(realpath -m "$KUBECONFIG")" ] || cannot "KUBECONFIG is not that of \`make cluster-up\`"
exec 9<"$CLUSTER"
flock 9
programs hollow
exec 9<&-
exec "$CLUSTER/hollow/hollow" "$@" >&3 3>&-
