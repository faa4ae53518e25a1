#!/usr/bin/env bash
# Installs into /usr, which sandboxes see, runtimes and libraries that detect processors and memory in different ways.
source "$(dirname "$0")/lib.sh"

missing=()
[ -x /usr/bin/java ] || missing+=(default-jre-headless)
[ -x /usr/bin/node ] || missing+=(nodejs)
/usr/bin/python3 -c 'import psutil' 2>/dev/null || missing+=(python3-psutil)
/usr/bin/python3 -c 'import ctypes; ctypes.CDLL("libopenblas.so.0")' 2>/dev/null || missing+=(libopenblas0-pthread)

[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" ||
    die "the tests of visible limits need these Debian packages: ${missing[*]}"
