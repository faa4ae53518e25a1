#!/usr/bin/env bash
# Starts a Kubernetes node with gVisor, or finds it running; prints, last, KUBECONFIG= and the file. Exits with 3, after
# a line that says why, on a machine that cannot have one.
source "$(dirname "$0")/lib.sh"

[ "$(uname -s)" = Linux ] || cannot "it is no Linux"
[ "$(id -u)" = 0 ] || cannot "that takes root"
case $CLUSTER in
/tmp/* | /run/* | /var/lib/* | /var/log/*) cannot "the cache is where the node has folders of its own: $CLUSTER" ;;
esac
unshare --mount --net --pid --fork true 2>/dev/null || cannot "no namespaces can be made here"

mkdir -p "$CLUSTER"
exec 9<"$CLUSTER"
flock 9

# ready: the node takes Pods, and there is what each of them is given.
ready() {
    local kubectl=(env "NO_PROXY=*" "$CLUSTER/kubernetes/kubectl" --request-timeout 5s)
    local state='jsonpath={.status.conditions[?(@.type=="Ready")].status}{.spec.taints}'
    [ "$("${kubectl[@]}" get node "$NAME" --output "$state")" = True ] &&
        "${kubectl[@]}" get serviceaccount/default configmap/kube-root-ca.crt
} >/dev/null 2>&1

# give_up WHY LOG...: stops the node, but leaves what it wrote.
give_up() {
    local why=$1
    shift
    end_node
    tail -n 20 "$@" >&2
    die "the cluster did not start: $why; its logs are in $STATE/log"
}

without_traces() { clean_up && cannot "$@"; }

start() {
    mkdir -p "$STATE/log"
    exec 8>"$STATE/alive"
    flock 8
    # Nothing of the caller's, such as a proxy, is for the node.
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
        [ $SECONDS -lt $deadline ] || give_up "it was not ready in two minutes" "$STATE"/log/*.log
        sleep 0.1
    done
}

if alive && ready; then
    say "the cluster is up already"
else
    clean_up
    make_cgroups || without_traces "it lets no cgroups be made"
    tests/cluster/build.sh || { status=$? && clean_up && exit $status; }
    taken=$(ip route show match "$ADDRESS" | grep -v ^default || true)
    [ -z "$taken" ] || without_traces "its own network has the node's address: $taken"
    say "starting the cluster"
    start
fi
echo "KUBECONFIG=$KUBECONFIG"
