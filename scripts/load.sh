#!/usr/bin/env bash
# Measures many executions at once, in a cluster with the default limits of the control plane and in one with higher
# limits.
source "$(dirname "$0")/../tests/cluster/lib.sh"

! alive || die "this starts its own clusters: run \`make cluster-down\` first"
trap tests/cluster/down.sh EXIT
for qps in "" 500; do
    if [ -n "$qps" ]; then export CONTROL_PLANE_QPS=$qps; fi
    tests/cluster/up.sh
    scripts/bench.sh --bench load
    tests/cluster/down.sh
done
