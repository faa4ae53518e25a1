#!/usr/bin/env bash
# Runs every test. Those of Kubernetes run in the cluster that KUBECONFIG names, else in one that is started for them and
# stopped after. With CLUSTER=required there must be one.
source "$(dirname "$0")/lib.sh"

if [ -z "${KUBECONFIG:-}" ]; then
    exec 3>&1
    if answer=$(tests/cluster/up.sh | tee /dev/fd/3); then
        KUBECONFIG=${answer##*KUBECONFIG=} && export KUBECONFIG
        [[ $answer = *"up already"* ]] || trap tests/cluster/down.sh EXIT
    elif [ $? != 3 ] || [ "${CLUSTER:-}" = required ]; then
        die "there is no cluster to test in"
    else
        say "what is Kubernetes' is not tested on this machine"
    fi
fi

# Those that take all processors, those that wait for a cluster most of the time, and those that need none.
alone=(--lib --bins) in_cluster=() local=()
while read -r name; do
    case $name in
    conformance | gate | hostile) alone+=(--test "$name") ;;
    faults | kubernetes) in_cluster+=(--test "$name") ;;
    *) local+=(--test "$name") ;;
    esac
done < <(sed -n '/^\[\[test\]\]/{n;s/^name = "\(.*\)"/\1/p}' tests/Cargo.toml bench/Cargo.toml)

# run TARGET...; the same faults each time, `make soak` makes others.
run() { SEED=${SEED:-1} cargo test --release --locked --workspace "$@"; }

run --no-run
run "${alone[@]}"
log=target/tests-in-cluster.log
run "${in_cluster[@]}" &>"$log" &
beside=$! failed=0
(unset KUBECONFIG && run "${local[@]}") || failed=1
# What has failed is told last.
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
# It stands last, since it says whether it was made at all.
ADVISORIES=${ADVISORIES:-optional} scripts/deny.sh advisories
