#!/usr/bin/env bash
# Injects thousands of faults, in the cluster of KUBECONFIG or of `make cluster-up`, and into sessions on this machine.
# SEED repeats a soak, RUNS is the number of plans, ONLY the number of a single plan. Then it runs all conformance and
# hostile cases with each driver, schemathesis with many more requests, a tenant that attacks a sidecar while another one
# works, and CPython's test suite, which takes an hour. MODULES names some of its modules.
source "$(dirname "$0")/lib.sh"

if [ -z "${KUBECONFIG:-}" ]; then
    answer=$(tests/cluster/up.sh)
    KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
fi
export RUNS=${RUNS:-3000} SOAK=1
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test faults -- "$@"
[ -z "${ONLY:-}" ] || exit 0
# Builds `cofferdam-host`.
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test host --no-run
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test conformance --test conformance_sessions --test hostile --test hostile_sessions -- "$@"
unset KUBECONFIG
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test e2e -- a_hostile_tenant_does_not_affect_another_tenant
cargo bench --locked --workspace --exclude cofferdam-pipeline-tests --bench attacks
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test e2e -- --include-ignored --nocapture --test-threads 1 \
    schemathesis_finds_no_failures cpythons_own_tests
