#!/usr/bin/env bash
# Makes sure that sandboxes, which on this machine have its /usr, have the runtimes and libraries that count processors and
# memory each in its own way.
source "$(dirname "$0")/lib.sh"

missing=()
[ -x /usr/bin/java ] || missing+=(default-jre-headless)
[ -x /usr/bin/node ] || missing+=(nodejs)
/usr/bin/python3 -c 'import psutil' 2>/dev/null || missing+=(python3-psutil)
/usr/bin/python3 -c 'import ctypes; ctypes.CDLL("libopenblas.so.0")' 2>/dev/null || missing+=(libopenblas0-pthread)

[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" ||
    die "tests of what a program sees of its limits need, in /usr: ${missing[*]}"
