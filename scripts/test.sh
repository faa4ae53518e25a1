#!/usr/bin/env bash
# Runs every test. The tests of Kubernetes use the cluster of KUBECONFIG, or one that this script starts and stops. With
# CLUSTER=required, a machine that cannot have a cluster is an error.
source "$(dirname "$0")/lib.sh"

started_cluster='' beside=''
# An interrupt ends everything: the tests beside, which have a process group of their own, and the cluster.
clean_up() {
    if [ "$beside" ]; then kill -- "-$beside" 2>/dev/null || true; fi
    if [ "$started_cluster" ]; then tests/cluster/down.sh; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ -z "${KUBECONFIG:-}" ]; then
    exec 3>&1
    if answer=$(tests/cluster/up.sh | tee /dev/fd/3); then
        KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
        [[ $answer = *"up already"* ]] || started_cluster=yes
    elif [ $? != 3 ] || [ "${CLUSTER:-}" = required ]; then
        die "the cluster of the tests could not be started; set KUBECONFIG to use another one"
    else
        say "this machine cannot have a cluster: skipping the tests of Kubernetes"
    fi
fi

# Tests that use all processors, tests that mostly wait for a cluster, and tests that need no cluster.
alone=(--lib --bins) in_cluster=() local=()
while read -r name; do
    case $name in
    conformance | conformance_sessions | gate | hostile | hostile_sessions) alone+=(--test "$name") ;;
    faults | kubernetes) in_cluster+=(--test "$name") ;;
    *) local+=(--test "$name") ;;
    esac
done < <(sed -n '/^\[\[test\]\]/{n;s/^name = "\(.*\)"/\1/p}' tests/Cargo.toml bench/Cargo.toml host-sidecar/host/Cargo.toml)

# run TARGET...: the same faults each time; `make soak` injects others.
run() { SEED=${SEED:-1} cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests "$@"; }

scripts/check.sh
run --no-run
# For a test of it; other tests would wait for its build.
scripts/sandbox-image.sh archive >/dev/null
run "${alone[@]}"
run --doc
log=target/tests-in-cluster.log
set -m
run "${in_cluster[@]}" &>"$log" &
set +m
beside=$! failed=0
(unset KUBECONFIG && run "${local[@]}") || failed=1
# Failures are printed last.
if wait $beside; then
    grep -E "violations|^test result" "$log" || true
else
    failed=1
    cat "$log"
fi
beside=''
[ $failed = 0 ] || die "tests failed"
scripts/sbom.sh
scripts/fuzz.sh 2
scripts/python-client-tests.sh
scripts/adk-tests.sh
# Last, since it says whether advisories were checked at all.
ADVISORIES=${ADVISORIES:-optional} scripts/deny.sh advisories
