# Installs a registry and starts it on loopback. Its address is REGISTRY.
program=$("$ROOT/scripts/debian-program.sh" docker-registry /usr/bin/docker-registry)
cat >"$RUN/config.yml" <<Y
version: 0.1
storage: {filesystem: {rootdirectory: $RUN/store}}
http: {addr: "127.0.0.1:0"}
Y
start 'listening on (127[^",]*)' "$program" serve "$RUN/config.yml"
REGISTRY=$MATCH

# manifest NAME TAG: prints the manifest.
manifest() {
    curl -sSf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$1/manifests/$2"
}
