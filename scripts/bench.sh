#!/usr/bin/env bash
# Measures. The Kubernetes backend in the cluster that KUBECONFIG names, else in that of `make cluster-up` where it is up.
theirs=${KUBECONFIG:-}
source "$(dirname "$0")/../tests/cluster/lib.sh"

if [ -n "$theirs" ]; then
    KUBECONFIG=$theirs
elif ! alive; then
    unset KUBECONFIG
fi
[ $# != 0 ] || set -- --bench side_by_side --bench kubernetes
[[ $* != *side_by_side* ]] || scripts/pandas.sh
# Of all the workspace, so that what the tests are built of is built once.
exec cargo bench --locked --workspace "$@"
