# shellcheck shell=bash
# Shared by the cluster's scripts, which source it first.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

CLUSTER=$CACHE/cluster # programs and images, each with the key of its sources
STATE=$CLUSTER/state   # files of the running node
NAME=cofferdam-node    # of the node, its cgroup, and the machine's end of the link to it
# shellcheck disable=SC2034
MACHINE_ADDRESS=10.213.77.1 ADDRESS=10.213.77.2
export KUBECONFIG=$STATE/admin.kubeconfig KUBECACHEDIR=$STATE/kubectl
PATH=$PATH:/usr/sbin:/sbin

# cannot WHY: exits with 3, because this machine does not support a cluster.
cannot() {
    complain "no cluster on this machine: $*"
    exit 3
}

# alive: whether the node has processes, which hold a lock.
alive() { [ -e "$STATE/alive" ] && ! flock -n "$STATE/alive" true; }

# require_own KUBECONFIG: exits with 3 unless the caller's cluster is the running node.
require_own() {
    if ! alive || [ "$(realpath -m "$1")" != "$(realpath -m "$KUBECONFIG")" ]; then
        cannot "KUBECONFIG is not that of \`make cluster-up\`"
    fi
}

# import ARCHIVE: loads images into the node. They are passed through stdin because the node's namespaces may not see the archive.
import() { nsenter --all --target "$(<"$STATE/pid")" "$CLUSTER/containerd/ctr" --namespace k8s.io images import - <"$1"; }

# end_node: kills the node's first process, after which the kernel ends the others, their mounts and links.
end_node() {
    local tries=0
    while alive; do
        [ $((tries += 1)) -le 600 ] || die "the node does not end: see $STATE/pid"
        kill -9 "$(cat "$STATE/pid" 2>/dev/null)" 2>/dev/null || true
        sleep 0.05
    done
}

# hierarchies: the roots of the machine's cgroups; there are several in version 1.
hierarchies() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else ls -d /sys/fs/cgroup/*/; fi
}

make_cgroups() {
    local root
    for root in $(hierarchies); do
        # Only version 2 delegates controllers.
        if [ "$root" = /sys/fs/cgroup ]; then
            sed 's/[^ ]*/+&/g' "$root/cgroup.controllers" >"$root/cgroup.subtree_control" || return
        fi
        mkdir -p "$root/$NAME" || return
    done 2>/dev/null
}

# clean_up: stops the node and deletes all its files and interfaces.
clean_up() {
    end_node
    ip link delete "$NAME" 2>/dev/null || true
    local root
    for root in $(hierarchies); do
        [ ! -d "$root/$NAME" ] || find "$root/$NAME" -depth -type d -exec rmdir {} +
    done
    rm -rf "$STATE"
}
