#!/usr/bin/env bash
# Makes sure that there is a gVisor: from PATH, from the cache, built as a Go module, or Debian's, in this order.
source "$(dirname "$0")/lib.sh"

oldest=20250101 # what is older than this is used only when nothing else can be had
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
if [[ $CACHE == /tmp/* ]]; then
    complain "gVisor cannot run from below /tmp, so it is not built into the cache there"
elif have go; then
    # Asked in the module's folder, a Go that may fetch later ones does so.
    go_version=$(cd scripts/gvisor && go env GOVERSION) || true
    if at_least go1.26.3 "$go_version"; then
        say "building gVisor of $pinned with $go_version into the cache (some minutes when cold)"
        mkdir -p "$CACHE/bin"
        # Static, because it starts itself again where there are no libraries.
        if (cd scripts/gvisor && CGO_ENABLED=0 go build -mod=readonly -trimpath -o "$cached.new" \
            -ldflags "-s -w -X gvisor.dev/gvisor/runsc/version.version=release-$pinned.0" gvisor.dev/gvisor/runsc); then
            mv "$cached.new" "$cached"
            exit 0
        fi
        rm -f "$cached.new"
    else
        say "${go_version:-this Go} cannot build gVisor: it needs 1.26.3 or later"
    fi
fi

if good $oldest "$cached"; then exit 0; fi
[ -x "$installed" ] || install_packages runsc || true
installed=$(command -v runsc || true)
if ! [ -x "$installed" ]; then
    die "no gVisor: put a current static runsc into PATH, or install Go 1.26.3 or later, and start again"
fi
say "using gVisor of $(date_of "$installed"), which is old; install Go 1.26.3 or later for a current one"
