#!/usr/bin/env bash
# Runs the benchmarks. The Kubernetes backend uses the cluster of KUBECONFIG, or that of `make cluster-up` if it is
# running.
theirs=${KUBECONFIG:-}
source "$(dirname "$0")/../tests/cluster/lib.sh"

if [ -n "$theirs" ]; then
    KUBECONFIG=$theirs
elif ! alive; then
    unset KUBECONFIG
fi
[ $# != 0 ] || set -- --bench side_by_side --bench sessions --bench kubernetes
[[ $* != *side_by_side* ]] || scripts/pandas.sh
# With --workspace, cargo reuses the dependencies that were built for the tests.
exec cargo bench --locked --workspace --exclude cofferdam-pipeline-tests "$@"
