#!/usr/bin/env bash
# Builds the images of the sidecar and of an agent and loads them into the node, unless they are up to date; prints the name of the
# sidecar's image. Exits with 3 if KUBECONFIG is another cluster, into which images cannot be loaded.
exec 3>&1 >&2
caller_kubeconfig=${KUBECONFIG:-}
source "$(dirname "$0")/lib.sh"

require_own "$caller_kubeconfig"
exec 9<"$CLUSTER"
flock 9

# load ARCHIVE KEY: loads an image, unless the node has one with this key.
load() {
    local loaded=$STATE/loaded-$2
    [ -e "$loaded" ] && return
    import "$1"
    touch "$loaded"
}

# The agent's image is the sandbox image with the wasmtime package.
requirements=examples/hosts/python/requirements.txt
python=$(scripts/python.sh hosts $requirements)
agent=$CLUSTER/agent.tar
key=$(cat $requirements "$CLUSTER/images/key" "$0" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$agent.key" 2>/dev/null)" != "$key" ]; then
    say "building the image of an agent"
    root=$(mktemp -d -p "$CLUSTER")
    trap 'rm -rf "$root"' EXIT
    tar -xOf "$CLUSTER/images/python.tar" layer.tar | tar -x -C "$root"
    packages=$root/usr/lib/python3/dist-packages
    mkdir -p "$packages"
    cp -r "${python%/bin/*}"/lib/python3*/site-packages/wasmtime "$packages"
    tests/cluster/image.py docker.io/library/agent:local "$root" "$agent" python3
    echo "$key" >"$agent.key"
fi
load "$agent" "$key"

sidecar=$CLUSTER/sidecar.tar
key=$(cat target/release/cofferdam deploy/Dockerfile scripts/*image.sh | sha256sum | cut -d' ' -f1)
name=cofferdam:${key:0:12}
if [ "$(cat "$sidecar.key" 2>/dev/null)" != "$key" ]; then
    scripts/stage-image.sh
    scripts/image.sh "$sidecar" "$name"
    echo "$key" >"$sidecar.key"
fi
load "$sidecar" "$key"
echo "$name" >&3
