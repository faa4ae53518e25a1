#!/usr/bin/env bash
# Puts the node's programs and images into the cache, those that are lacking or were made of something else.
source "$(dirname "$0")/lib.sh"

missing=()
have runc || missing+=(runc)
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
have ip || missing+=(iproute2)
have iptables || missing+=(iptables)
have openssl || missing+=(openssl)
have debootstrap || missing+=(debootstrap)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}" || cannot "it lacks Debian packages: ${missing[*]}"
scripts/packages.sh || cannot "it lacks what every build needs"
scripts/gvisor.sh || cannot "it has no gVisor, and none can be had"

# made FOLDER KEY: whether the folder was made in full under this key; else it is emptied.
made() {
    [ "$(cat "$1/key" 2>/dev/null)" != "$2" ] || return 0
    rm -rf "$1" && mkdir -p "$1" && return 1
}

# programs MODULE [LINKER-OPTION...]: builds what the module's go.mod names as its tools. No debug information, and
# memory instead of the compiler's garbage collection: that saves an eighth of the time.
programs() {
    local module=tests/cluster/$1 folder=$CLUSTER/$1 key
    local options=(-trimpath -buildvcs=false -gcflags=all=-dwarf=false "-ldflags=-s -w ${*:2}" -tags "$tags")
    key=$({ cat "$module"/* && echo "${options[@]}"; } | sha256sum)
    if made "$folder" "$key"; then return; fi
    go=${go:-$(scripts/go.sh)} || cannot "it has no Go, and none can be had"
    say "building the cluster's $1 into the cache (some minutes when cold)"
    (cd "$module" && env -u GOROOT CGO_ENABLED=0 GOGC=off GOMEMLIMIT=1GiB \
        "$go" build -mod=readonly "${options[@]}" -o "$folder/" tool) || die "$1 cannot be built"
    echo "$key" >"$folder/key"
}

tags=no_btrfs,no_devmapper,no_zfs,no_tracing # containerd's
version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[^ ]*\).*/\1/p' tests/cluster/kubernetes/go.mod)
programs kubernetes -X "k8s.io/component-base/version.gitVersion=$version"
programs containerd
programs gvisor

images=$CLUSTER/images
key=$(cat tests/cluster/image*.* | sha256sum)
if ! made "$images" "$key"; then
    say "making the cluster's images"
    # What debootstrap mounts goes with the namespace, also when it fails.
    unshare --mount tests/cluster/images.sh "$images"
    echo "$key" >"$images/key"
fi
