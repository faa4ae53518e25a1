# Installs a registry and starts it on loopback. Its address is REGISTRY.
registry_package() {
    apt-get -qq -o APT::Sandbox::User=root download docker-registry
    dpkg -x docker-registry_*.deb .
    rm docker-registry_*.deb
}
install registry "docker-registry 2.8.2 (Debian, 17 MB, without its service)" registry_package
cat >"$RUN/config.yml" <<Y
version: 0.1
storage: {filesystem: {rootdirectory: $RUN/store}}
http: {addr: "127.0.0.1:0"}
Y
start 'listening on (127[^",]*)' "$CACHE/registry/usr/bin/docker-registry" serve "$RUN/config.yml"
REGISTRY=$MATCH

# manifest NAME TAG: prints the manifest.
manifest() {
    curl -sSf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$1/manifests/$2"
}
