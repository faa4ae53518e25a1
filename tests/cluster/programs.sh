# shellcheck shell=bash
# Builds the node's programs into the cache. Source it after lib.sh.

# made FOLDER KEY: whether the folder is complete and has this key; otherwise empties it.
made() {
    [ "$(cat "$1/key" 2>/dev/null)" != "$2" ] || return 0
    rm -rf "$1" && mkdir -p "$1" && return 1
}

# programs MODULE [LINKER-OPTION...]: builds the tools in the module's go.mod. Without debug information and without the compiler's
# garbage collection, which saves an eighth of the time.
programs() {
    local module=tests/cluster/$1 folder=$CLUSTER/$1 key
    local tags=no_btrfs,no_devmapper,no_zfs,no_tracing # containerd's
    local options=(-trimpath -buildvcs=false -gcflags=all=-dwarf=false "-ldflags=-s -w ${*:2}" -tags "$tags")
    key=$({ cat "$module"/* && echo "${options[@]}"; } | sha256sum)
    if made "$folder" "$key"; then return; fi
    go=${go:-$(scripts/go.sh)} || cannot "Go is not installed and cannot be downloaded"
    say "building the cluster's $1 into the cache (some minutes when cold)"
    (cd "$module" && env -u GOROOT CGO_ENABLED=0 GOGC=off GOMEMLIMIT=1GiB \
        "$go" build -mod=readonly "${options[@]}" -o "$folder/" tool) || die "$1 cannot be built"
    echo "$key" >"$folder/key"
}
