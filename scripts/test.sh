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

# The same faults each time; `make soak` makes others.
SEED=${SEED:-1} cargo test --release --locked --workspace
scripts/sbom.sh
scripts/fuzz.sh 2
scripts/adk-tests.sh
