#!/usr/bin/env bash
# Builds the images of a deployment, the sidecar's and an agent's, and loads them into the node, unless it has them; prints the
# sidecar's name there. Exits with 3 where the tests' cluster is another one, which has no way in for images.
exec 3>&1 >&2
theirs=${KUBECONFIG:-}
source "$(dirname "$0")/lib.sh"

alive && [ "$(realpath -m "$theirs")" = "$(realpath -m "$KUBECONFIG")" ] || cannot "KUBECONFIG is not that of \`make cluster-up\`"
exec 9<"$CLUSTER"
flock 9

# load ARCHIVE KEY: unless the node has what was loaded under this key.
load() {
    local loaded=$STATE/loaded-$2
    [ -e "$loaded" ] && return
    # Other namespaces may not see the archive.
    nsenter --all --target "$(<"$STATE/pid")" "$CLUSTER/containerd/ctr" --namespace k8s.io images import - <"$1"
    touch "$loaded"
}

# An agent is Python with the component's runtime, on the image of the sandboxes.
requirements=examples/hosts/python/requirements.txt
python=$(scripts/python.sh hosts $requirements)
agent=$CLUSTER/agent.tar
key=$(cat $requirements "$CLUSTER/images/key" "$0" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$agent.key" 2>/dev/null)" != "$key" ]; then
    say "making the image of an agent"
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
