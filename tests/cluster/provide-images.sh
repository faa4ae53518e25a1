#!/usr/bin/env bash
# Usage: provide-images.sh [HOST:PORT | ARCHIVE]
# Makes the node pull the images of a registry on this machine without TLS, or loads the images of an archive. Without an argument,
# prints the address of this machine at which the node reaches it. Exits with 3 if KUBECONFIG is another cluster.
exec 3>&1 >&2
caller_kubeconfig=${KUBECONFIG:-}
source "$(dirname "$0")/lib.sh"

require_own "$caller_kubeconfig"
if [ $# = 0 ]; then
    echo "$MACHINE_ADDRESS" >&3
elif [ -f "$1" ]; then
    import "$1"
else
    mkdir -p "$STATE/registries/$1"
    echo "server = \"http://$1\"" >"$STATE/registries/$1/hosts.toml"
fi
