#!/usr/bin/env bash
# Runs every test. The tests of Kubernetes use the cluster of KUBECONFIG, or one that this script starts and stops. With
# CLUSTER=required, a machine that cannot have a cluster is an error.
source "$(dirname "$0")/lib.sh"

if [ -z "${KUBECONFIG:-}" ]; then
    exec 3>&1
    if answer=$(tests/cluster/up.sh | tee /dev/fd/3); then
        KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
        [[ $answer = *"up already"* ]] || trap tests/cluster/down.sh EXIT
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
    conformance | gate | hostile) alone+=(--test "$name") ;;
    faults | kubernetes) in_cluster+=(--test "$name") ;;
    *) local+=(--test "$name") ;;
    esac
done < <(sed -n '/^\[\[test\]\]/{n;s/^name = "\(.*\)"/\1/p}' tests/Cargo.toml bench/Cargo.toml)

# run TARGET...: the same faults each time; `make soak` injects others.
run() { SEED=${SEED:-1} cargo test --release --locked --workspace "$@"; }

run --no-run
run "${alone[@]}"
run --doc
log=target/tests-in-cluster.log
run "${in_cluster[@]}" &>"$log" &
beside=$! failed=0
(unset KUBECONFIG && run "${local[@]}") || failed=1
# Failures are printed last.
if wait $beside; then
    grep -E "violations|^test result" "$log" || true
else
    failed=1
    cat "$log"
fi
[ $failed = 0 ] || die "tests failed"
scripts/sbom.sh
scripts/fuzz.sh 2
scripts/adk-tests.sh
# Last, since it says whether advisories were checked at all.
ADVISORIES=${ADVISORIES:-optional} scripts/deny.sh advisories
