# shellcheck shell=bash
# Building the node's programs into the cache: source it after lib.sh.

# made FOLDER KEY: whether the folder was made in full under this key; else it is emptied.
made() {
    [ "$(cat "$1/key" 2>/dev/null)" != "$2" ] || return 0
    rm -rf "$1" && mkdir -p "$1" && return 1
}

# programs MODULE [LINKER-OPTION...]: builds what the module's go.mod names as its tools. No debug information, and
# memory instead of the compiler's garbage collection: that saves an eighth of the time.
programs() {
    local module=tests/cluster/$1 folder=$CLUSTER/$1 key
    local tags=no_btrfs,no_devmapper,no_zfs,no_tracing # containerd's
    local options=(-trimpath -buildvcs=false -gcflags=all=-dwarf=false "-ldflags=-s -w ${*:2}" -tags "$tags")
    key=$({ cat "$module"/* && echo "${options[@]}"; } | sha256sum)
    if made "$folder" "$key"; then return; fi
    go=${go:-$(scripts/go.sh)} || cannot "it has no Go, and none can be had"
    say "building the cluster's $1 into the cache (some minutes when cold)"
    (cd "$module" && env -u GOROOT CGO_ENABLED=0 GOGC=off GOMEMLIMIT=1GiB \
        "$go" build -mod=readonly "${options[@]}" -o "$folder/" tool) || die "$1 cannot be built"
    echo "$key" >"$folder/key"
}
