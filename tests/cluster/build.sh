#!/usr/bin/env bash
# Puts the node's programs and images into the cache, those that are lacking or were made of something else.
source "$(dirname "$0")/lib.sh"
source tests/cluster/programs.sh

missing=()
have runc || missing+=(runc)
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
have ip || missing+=(iproute2)
have iptables || missing+=(iptables)
have openssl || missing+=(openssl)
have debootstrap || missing+=(debootstrap)
compgen -G "/usr/lib/*/faketime/libfaketime.so.1" >/dev/null || missing+=(libfaketime)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}" || cannot "it lacks Debian packages: ${missing[*]}"
scripts/packages.sh || cannot "it lacks what every build needs"
scripts/gvisor.sh || cannot "it has no gVisor, and none can be had"

version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[^ ]*\).*/\1/p' tests/cluster/kubernetes/go.mod)
programs kubernetes -X "k8s.io/component-base/version.gitVersion=$version"
programs containerd
programs gvisor
programs hollow

images=$CLUSTER/images
key=$(cat tests/cluster/image*.* | sha256sum)
if ! made "$images" "$key"; then
    say "making the cluster's images"
    # What debootstrap mounts goes with the namespace, also when it fails.
    unshare --mount tests/cluster/images.sh "$images"
    echo "$key" >"$images/key"
fi
