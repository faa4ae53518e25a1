#!/usr/bin/env bash
# Prints the path of a Go that is new enough for every module here: an installed one, Debian's, or a later one that
# either of them fetches as a Go module.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

wanted=go$(sed -n 's/^go //p' scripts/gvisor/go.mod)

have go || PATH=$PATH:/usr/local/go/bin
have go || install_packages golang-go || true
have go || die "Go is missing: install $wanted or later"
# In the module's folder, a Go with toolchain switching fetches the wanted version.
if at_least "$wanted" "$(cd scripts/gvisor && go env GOVERSION 2>/dev/null)"; then
    command -v go >&3
    exit
fi

say "fetching $wanted as a Go module"
module=golang.org/toolchain@v0.0.1-$wanted.linux-$(go env GOARCH)
folder=$(GOFLAGS=-mod=mod GOPATH=$CACHE/go go mod download -json "$module" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p') || true
[ -n "$folder" ] || die "$wanted cannot be downloaded: install it, or a later one"
# Files of a Go module are not executable.
chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/*
echo "$folder/bin/go" >&3
