#!/usr/bin/env bash
# Makes faults by the thousand, in the cluster that KUBECONFIG names or in that of `make cluster-up`: SEED repeats one, RUNS is how
# many there are, ONLY the number of a single one. Then runs all promises and hostile programs in each way that there is.
source "$(dirname "$0")/lib.sh"

if [ -z "${KUBECONFIG:-}" ]; then
    answer=$(tests/cluster/up.sh)
    KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
fi
export RUNS=${RUNS:-3000} SOAK=1
cargo test --release --locked --workspace --test faults -- "$@"
[ -n "${ONLY:-}" ] || cargo test --release --locked --workspace --test conformance --test hostile -- "$@"
