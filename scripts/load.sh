#!/usr/bin/env bash
# Measures many runs at once, in a cluster as Kubernetes has it and in one whose control plane may ask for more.
source "$(dirname "$0")/../tests/cluster/lib.sh"

! alive || die "load starts clusters of its own: first, \`make cluster-down\`"
trap tests/cluster/down.sh EXIT
for qps in "" 500; do
    if [ -n "$qps" ]; then export CONTROL_PLANE_QPS=$qps; fi
    tests/cluster/up.sh
    scripts/bench.sh --bench load
    tests/cluster/down.sh
done
