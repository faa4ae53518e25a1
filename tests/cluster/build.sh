#!/usr/bin/env bash
# Builds the node's programs and images into the cache, unless they are up to date.
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
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}" || cannot "Debian packages are missing: ${missing[*]}"
scripts/packages.sh || cannot "the packages of every build cannot be installed"
scripts/gvisor.sh || cannot "gVisor is not installed and cannot be downloaded"

version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[^ ]*\).*/\1/p' tests/cluster/kubernetes/go.mod)
programs kubernetes -X "k8s.io/component-base/version.gitVersion=$version"
programs containerd
programs gvisor
programs fake-node

images=$CLUSTER/images
key=$(cat tests/cluster/image*.* | sha256sum)
if ! made "$images" "$key"; then
    say "making the cluster's images"
    # The mounts of debootstrap end with the namespace, even if it fails.
    unshare --mount tests/cluster/images.sh "$images"
    echo "$key" >"$images/key"
fi
