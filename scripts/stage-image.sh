#!/usr/bin/env bash
# Creates the root of the container image in target/image: the program without symbols, and its shared libraries at
# the paths where the loader looks for them.
source "$(dirname "$0")/lib.sh"

program=target/release/cofferdam
root=target/image
rm -rf $root
mkdir -p $root/usr/bin
strip -o $root/usr/bin/cofferdam $program
ldd $program | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
    install -D "$library" "$root$library"
done
