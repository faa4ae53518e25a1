#!/usr/bin/env bash
# Builds the node's images in the given folder, because there is no registry.
source "$(dirname "$0")/lib.sh"

folder=$1
root=$folder/root

# image NAME [VARIABLE=VALUE]... COMMAND...: builds an image from the root folder.
image() {
    local name=$1
    shift
    tests/cluster/image.py "docker.io/library/$name" "$root" "$folder/${name%:*}.tar" "$@"
}

# The pause container, which keeps a Pod's namespaces.
mkdir "$root"
echo '#include <unistd.h>
int main(void) { return pause(); }' | cc -static -Os -s -x c -o "$root/pause" -
image pause:local /pause
rm -rf "$root"

# Debian's Python under the name of the default image, as local sandboxes on a Debian machine have it.
debootstrap --variant=minbase --include=python3 bookworm "$root" >"$folder/log" ||
    die "debootstrap: $(tail -n 5 "$folder/log")"
ln -s python3 "$root/usr/bin/python"
image python:3.11-slim python3

# The same with another Python in its PATH.
mkdir -p "$root/opt/bin"
ln -s /usr/bin/python3 "$root/opt/bin/python3"
image variables:local PATH=/opt/bin:/usr/bin:/bin GREETING=hello HOME=/root LANG=C python3
rm -rf "$root"
