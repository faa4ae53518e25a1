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
elif go=$(scripts/go.sh); then
    if build "$go"; then exit 0; fi
    rm -f "$cached.new"
fi

if good $oldest "$cached"; then exit 0; fi
[ -x "$installed" ] || install_packages runsc || true
installed=$(command -v runsc || true)
good $oldest "$installed" ||
    die "no gVisor of $oldest or later: put a static runsc into PATH, or install Go 1.26.3 or later, and start again"
