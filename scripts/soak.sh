#!/usr/bin/env bash
# Makes faults by the thousand, in the cluster that KUBECONFIG names or in that of `make cluster-up`: SEED repeats one, RUNS is how
# many there are, ONLY the number of a single one. Then runs all promises and hostile programs in each way that there is, has
# schemathesis make up many more requests, has one tenant attack a sidecar while another one works, and runs CPython's own tests, which takes an hour: MODULES says which.
source "$(dirname "$0")/lib.sh"

if [ -z "${KUBECONFIG:-}" ]; then
    answer=$(tests/cluster/up.sh)
    KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
fi
export RUNS=${RUNS:-3000} SOAK=1
cargo test --release --locked --workspace --test faults -- "$@"
[ -z "${ONLY:-}" ] || exit 0
cargo test --release --locked --workspace --test conformance --test hostile -- "$@"
unset KUBECONFIG
cargo test --release --locked --workspace --test e2e -- a_hostile_tenant_does_not_affect_another_tenant
cargo bench --locked --workspace --bench attacks
cargo test --release --locked --workspace --test e2e -- --include-ignored --nocapture --test-threads 1 \
    schemathesis_finds_no_failures cpythons_own_tests
