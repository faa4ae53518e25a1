#!/usr/bin/env bash
# Usage: go.sh [FOLDER]
# Prints the path of a Go that is new enough for the module of a folder, by default that of gVisor: an installed one,
# Debian's, or a later one that either of them fetches as a Go module.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=${1-scripts/gvisor}
wanted=go$(sed -n 's/^go //p' "$folder/go.mod")

have go || PATH=$PATH:/usr/local/go/bin
have go || install_packages golang-go || true
have go || die "Go is missing: install $wanted or later"
# In the module's folder, a Go with toolchain switching fetches the wanted version.
if at_least "$wanted" "$(cd "$folder" && go env GOVERSION 2>/dev/null)"; then
    command -v go >&3
    exit
fi

say "fetching $wanted as a Go module"
module=golang.org/toolchain@v0.0.1-$wanted.linux-$(go env GOARCH)
toolchain=$(GOFLAGS=-mod=mod GOPATH=$CACHE/go go mod download -json "$module" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p') || true
[ -n "$toolchain" ] || die "$wanted cannot be downloaded: install it, or a later one"
# Files of a Go module are not executable.
chmod +x "$toolchain"/bin/* "$toolchain"/pkg/tool/*/*
echo "$toolchain/bin/go" >&3
