#!/usr/bin/env bash
# Starts a Kubernetes node with gVisor, unless it is running; the last line is KUBECONFIG= and the file's path. Exits with 3, after a
# line with the reason, on a machine that does not support it.
source "$(dirname "$0")/lib.sh"

[ "$(uname -s)" = Linux ] || cannot "it is not Linux"
[ "$(id -u)" = 0 ] || cannot "it needs root"
case $CLUSTER in
/tmp/* | /run/* | /var/lib/* | /var/log/*) cannot "the cache is in a folder that the node replaces: $CLUSTER" ;;
esac
unshare --mount --net --pid --fork true 2>/dev/null || cannot "namespaces cannot be created"

mkdir -p "$CLUSTER"
exec 9<"$CLUSTER"
flock 9

# ready: whether the node accepts Pods and the objects that every Pod mounts exist.
ready() {
    local kubectl=(env "NO_PROXY=*" "$CLUSTER/kubernetes/kubectl" --request-timeout 5s)
    local state='jsonpath={.status.conditions[?(@.type=="Ready")].status}{.spec.taints}'
    [ "$("${kubectl[@]}" get node "$NAME" --output "$state")" = True ] &&
        "${kubectl[@]}" get serviceaccount/default configmap/kube-root-ca.crt
} >/dev/null 2>&1

# give_up WHY LOG...: stops the node but keeps its logs.
give_up() {
    local why=$1
    shift
    end_node
    tail -n 20 "$@" >&2
    die "the cluster did not start: $why; its logs are in $STATE/log"
}

clean_up_and_exit() { clean_up && cannot "$@"; }

start() {
    mkdir -p "$STATE/log"
    exec 8>"$STATE/alive"
    flock 8
    # With a clean environment, for example without the caller's proxy.
    env -i HOME="$HOME" XDG_CACHE_HOME="${CACHE%/*}" PATH="$PATH" CONTROL_PLANE_QPS="${CONTROL_PLANE_QPS:-}" \
        setsid unshare --mount --propagation slave --net --pid --fork --kill-child tests/cluster/node.sh \
        3</proc/self/ns/net 9<&- </dev/null >"$STATE/log/node.log" 2>&1 &
    exec 8>&-
    local deadline=$((SECONDS + 120)) ended
    until ready; do
        if ! alive; then
            ended=$(cat "$STATE/ended" 2>/dev/null || echo node)
            give_up "$ended ended" "$STATE/log/$ended.log"
        fi
        [ $SECONDS -lt $deadline ] || give_up "it was not ready after two minutes" "$STATE"/log/*.log
        sleep 0.1
    done
}

if alive && ready; then
    say "the cluster is up already"
else
    clean_up
    make_cgroups || clean_up_and_exit "cgroups cannot be created"
    tests/cluster/build.sh || { status=$? && clean_up && exit $status; }
    taken=$(ip route show match "$ADDRESS" | grep -v ^default || true)
    [ -z "$taken" ] || clean_up_and_exit "the node's address is in use: $taken"
    say "starting the cluster"
    start
fi
echo "KUBECONFIG=$KUBECONFIG"
