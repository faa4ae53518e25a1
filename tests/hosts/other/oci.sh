#!/usr/bin/env bash
# Pushes the components to a registry, pulls them and executes a program through a pulled one in Node with JSPI.
source "$(dirname "$0")/common.sh"
source "$HERE/wash-install.sh"
registry_package() {
    apt-get -qq -o APT::Sandbox::User=root download docker-registry
    dpkg -x docker-registry_*.deb .
    rm docker-registry_*.deb
}
install registry "docker-registry 2.8.2 (Debian, 17 MB, without its service)" registry_package
start_sidecar
cat >"$RUN/config.yml" <<Y
version: 0.1
storage: {filesystem: {rootdirectory: $RUN/store}}
http: {addr: "127.0.0.1:0"}
Y
start 'listening on (127[^",]*)' "$CACHE/registry/usr/bin/docker-registry" serve "$RUN/config.yml"
registry=$MATCH
export XDG_CACHE_HOME=$RUN/wash XDG_DATA_HOME=$RUN/wash XDG_CONFIG_HOME=$RUN/wash
mkdir -p "$RUN/pulled/target/components"
for name in code-executor code-executor-http code-executor-stream code-executor-tool; do
    reference=$registry/cofferdam/$name:0.1.0
    pulled=$RUN/pulled/target/components/$name.wasm
    "$WASH" oci push --insecure "$reference" "$ROOT/target/components/$name.wasm" >&2
    "$WASH" oci pull --insecure "$reference" "$pulled" >&2
    cmp "$pulled" "$ROOT/target/components/$name.wasm"
    curl -sS -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/cofferdam/$name/manifests/0.1.0" |
        python3 -c '
import json, sys
manifest = json.load(sys.stdin)
assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json", manifest
assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"], manifest'
done
ln -s "$ROOT/examples" "$RUN/pulled/examples"
ROOT=$RUN/pulled CACHE=$CACHE "$HERE/jspi.sh" "$PROGRAM"
