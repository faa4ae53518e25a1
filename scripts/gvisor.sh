#!/usr/bin/env bash
# Makes sure that there is a current gVisor: from PATH, from the cache, built as a Go module, or Debian's, in this order.
source "$(dirname "$0")/lib.sh"

oldest=20250101 # older ones lack what the runner needs
cached=$CACHE/bin/runsc
pinned=$(sed -n 's/.*gvisor\.dev\/gvisor v0\.0\.0-\([0-9]\{8\}\).*/\1/p' scripts/gvisor/go.mod)

# date_of RUNSC: the day of its release. One that was built without a version still names its module's.
date_of() {
    { "$1" --version || true; } 2>/dev/null | grep -o '20[0-9]\{6\}' ||
        LC_ALL=C grep -ao 'gvisor\.dev/gvisor.v0\.0\.0-20[0-9]\{6\}' "$1" | grep -o '20[0-9]\{6\}$' | sort -u | tail -n 1
}

# good DATE RUNSC: is there, is of that day or later, and lies where it can be started again from inside.
good() { [ -x "$2" ] && [[ $(realpath "$2") != /tmp/* ]] && at_least "$1" "$(date_of "$2")"; }

installed=$(command -v runsc || true)
if good $oldest "$installed" || good "$pinned" "$cached"; then exit 0; fi

have go || PATH=$PATH:/usr/local/go/bin
wanted=go1.26.3

# fetch_go: any Go can fetch the one that is needed, as a module; prints the program.
fetch_go() {
    local arch folder
    arch=$(go env GOARCH)
    folder=$(GOFLAGS=-mod=mod GOPATH=$CACHE/go go mod download -json "golang.org/toolchain@v0.0.1-$wanted.linux-$arch" |
        sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    [ -n "$folder" ] || return
    # A module's files are not executable.
    chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/*
    echo "$folder/bin/go"
}

# build GO: builds gVisor into the cache. Static, because it starts itself again where there are no libraries.
build() {
    say "building gVisor of $pinned into the cache (some minutes when cold)"
    mkdir -p "$CACHE/bin"
    (cd scripts/gvisor && env -u GOROOT CGO_ENABLED=0 "$1" build -mod=readonly -trimpath -o "$cached.new" \
        -ldflags "-s -w -X gvisor.dev/gvisor/runsc/version.version=release-$pinned.0" gvisor.dev/gvisor/runsc) &&
        mv "$cached.new" "$cached"
}

if [[ $CACHE == /tmp/* ]]; then
    complain "gVisor cannot run from below /tmp, so it is not built into the cache there"
else
    have go || install_packages golang-go || true
    if have go; then
        # Asked in the module's folder, a Go that may fetch later ones does so.
        if at_least $wanted "$(cd scripts/gvisor && go env GOVERSION 2>/dev/null)"; then
            if build go; then exit 0; fi
        else
            say "fetching $wanted, which builds gVisor, as a Go module"
            if go=$(fetch_go) && build "$go"; then exit 0; fi
        fi
        rm -f "$cached.new"
    fi
fi

if good $oldest "$cached"; then exit 0; fi
[ -x "$installed" ] || install_packages runsc || true
installed=$(command -v runsc || true)
good $oldest "$installed" ||
    die "no gVisor of $oldest or later: put a static runsc into PATH, or install Go 1.26.3 or later, and start again"
