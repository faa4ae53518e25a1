# shellcheck shell=bash
# What the cluster's scripts share: source it first.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

CLUSTER=$CACHE/cluster # programs and images, each beside the key of what they were made of
STATE=$CLUSTER/state   # all that a running node writes, and nothing else
NAME=cofferdam-node    # of the node, its cgroup, and the machine's end of its link to the node
# shellcheck disable=SC2034
MACHINE_ADDRESS=10.213.77.1 ADDRESS=10.213.77.2
export KUBECONFIG=$STATE/admin.kubeconfig KUBECACHEDIR=$STATE/kubectl
PATH=$PATH:/usr/sbin:/sbin

# cannot WHY: a machine that cannot have a cluster is no failure.
cannot() {
    complain "no cluster on this machine: $*"
    exit 3
}

# alive: the node's processes hold a lock while there are any.
alive() { [ -e "$STATE/alive" ] && ! flock -n "$STATE/alive" true; }

# end_node: when the first process in the node's namespaces dies, the kernel ends the others, their mounts and links.
end_node() {
    local tries=0
    while alive; do
        [ $((tries += 1)) -le 600 ] || die "the node does not end: see $STATE/pid"
        kill -9 "$(cat "$STATE/pid" 2>/dev/null)" 2>/dev/null || true
        sleep 0.05
    done
}

# hierarchies: the roots of the machine's cgroups, several with their first version.
hierarchies() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else ls -d /sys/fs/cgroup/*/; fi
}

make_cgroups() {
    local root
    for root in $(hierarchies); do
        # Only the second version has controllers to hand down.
        if [ "$root" = /sys/fs/cgroup ]; then
            sed 's/[^ ]*/+&/g' "$root/cgroup.controllers" >"$root/cgroup.subtree_control" || return
        fi
        mkdir -p "$root/$NAME" || return
    done 2>/dev/null
}

# clean_up: takes away all that a node left on the machine.
clean_up() {
    end_node
    ip link delete "$NAME" 2>/dev/null || true
    local root
    for root in $(hierarchies); do
        [ ! -d "$root/$NAME" ] || find "$root/$NAME" -depth -type d -exec rmdir {} +
    done
    rm -rf "$STATE"
}
