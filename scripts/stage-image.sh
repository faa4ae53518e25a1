#!/usr/bin/env bash
# Lays out in target/image the root of the container image: the program, without its symbols, and the libraries that it is
# linked with, where its loader looks for them.
source "$(dirname "$0")/lib.sh"

program=target/release/cofferdam
root=target/image
rm -rf $root
mkdir -p $root/usr/bin
strip -o $root/usr/bin/cofferdam $program
ldd $program | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
    install -D "$library" "$root$library"
done
