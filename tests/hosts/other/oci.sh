#!/usr/bin/env bash
# Pushes the components to a registry, pulls them and executes a program through a pulled one in Node with JSPI.
source "$(dirname "$0")/common.sh"
source "$HERE/wash-install.sh"
source "$HERE/registry-install.sh"
start_sidecar
export XDG_CACHE_HOME=$RUN/wash XDG_DATA_HOME=$RUN/wash XDG_CONFIG_HOME=$RUN/wash
mkdir -p "$RUN/pulled/target/components"
for name in code-executor code-executor-http code-executor-stream code-executor-tool; do
    reference=$REGISTRY/cofferdam/$name:0.1.0
    pulled=$RUN/pulled/target/components/$name.wasm
    "$WASH" oci push --insecure "$reference" "$ROOT/target/components/$name.wasm" >&2
    "$WASH" oci pull --insecure "$reference" "$pulled" >&2
    cmp "$pulled" "$ROOT/target/components/$name.wasm"
    digest=$(manifest "cofferdam/$name" 0.1.0 | sha256sum | cut -d " " -f 1)
    "$WASH" oci pull --insecure "$REGISTRY/cofferdam/$name@sha256:$digest" "$RUN/pinned.wasm" >&2
    cmp "$RUN/pinned.wasm" "$pulled"
    manifest "cofferdam/$name" 0.1.0 | python3 -c '
import json, sys
manifest = json.load(sys.stdin)
assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json", manifest
assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"], manifest'
done
ln -s "$ROOT/examples" "$RUN/pulled/examples"
ROOT=$RUN/pulled CACHE=$CACHE "$HERE/jspi.sh" "$PROGRAM"
