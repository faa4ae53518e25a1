#!/usr/bin/env bash
# Ensures a current gVisor: that of PATH, that of the cache, one built as a Go module, or Debian's, in this order.
source "$(dirname "$0")/lib.sh"

oldest=20250101 # older ones lack features that the runner needs
cached=$CACHE/bin/runsc
pinned=$(sed -n 's/.*gvisor\.dev\/gvisor v0\.0\.0-\([0-9]\{8\}\).*/\1/p' scripts/gvisor/go.mod)

# date_of RUNSC: the day of its release. A build without a version still contains that of its module.
date_of() {
    { "$1" --version || true; } 2>/dev/null | grep -o '20[0-9]\{6\}' ||
        LC_ALL=C grep -ao 'gvisor\.dev/gvisor.v0\.0\.0-20[0-9]\{6\}' "$1" | grep -o '20[0-9]\{6\}$' | sort -u | tail -n 1
}

# good DATE RUNSC: exists, is from that day or later, and is not below /tmp, where it cannot execute itself again.
good() { [ -x "$2" ] && [[ $(realpath "$2") != /tmp/* ]] && at_least "$1" "$(date_of "$2")"; }

installed=$(command -v runsc || true)
if good $oldest "$installed" || good "$pinned" "$cached"; then exit 0; fi

# build GO: builds gVisor into the cache. It is static because it executes itself again in a root without libraries.
build() {
    say "building gVisor of $pinned into the cache (some minutes when cold)"
    mkdir -p "$CACHE/bin"
    (cd scripts/gvisor && env -u GOROOT CGO_ENABLED=0 "$1" build -mod=readonly -trimpath -o "$cached.new" \
        -ldflags "-s -w -X gvisor.dev/gvisor/runsc/version.version=release-$pinned.0" gvisor.dev/gvisor/runsc) &&
        mv "$cached.new" "$cached"
}

if [[ $CACHE == /tmp/* ]]; then
    complain "gVisor cannot run from a folder below /tmp, and the cache is there: set XDG_CACHE_HOME to another folder"
elif go=$(scripts/go.sh); then
    if build "$go"; then exit 0; fi
    rm -f "$cached.new"
fi

if good $oldest "$cached"; then exit 0; fi
[ -x "$installed" ] || install_packages runsc || true
installed=$(command -v runsc || true)
good $oldest "$installed" ||
    die "no gVisor of $oldest or later: put a static runsc into PATH, or install Go 1.26.3 or later, and start again"
