#!/usr/bin/env bash
# Makes the node's images in the folder given: there is nothing to pull from.
source "$(dirname "$0")/lib.sh"

folder=$1
root=$folder/root

# image NAME COMMAND...: of what lies in the root.
image() {
    local name=$1
    shift
    tests/cluster/image.py "docker.io/library/$name" "$root" "$folder/${name%:*}.tar" "$@"
    rm -rf "$root"
}

# Holds a Pod's namespaces.
mkdir "$root"
echo '#include <unistd.h>
int main(void) { return pause(); }' | cc -static -Os -s -x c -o "$root/pause" -
image pause:local /pause

# Debian's Python, as sandboxes on a Debian machine have it, in the place of the image that everybody uses.
debootstrap --variant=minbase --include=python3 bookworm "$root" >"$folder/log" ||
    die "debootstrap: $(tail -n 5 "$folder/log")"
ln -s python3 "$root/usr/bin/python"
image python:3.11-slim python3
