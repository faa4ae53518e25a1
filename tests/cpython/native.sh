#!/usr/bin/env bash
# Runs modules of CPython's own tests without a sandbox, and writes their outcomes to a folder: native.sh FOLDER MODULE...
# They have the user, the host names, the limits and the loopback interface of a sandbox, for which root is needed.
set -euo pipefail
program=$(realpath "$(dirname "$0")/run.py")
cd "$1"
shift

mkdir home tmp work
cp "$program" work
printf '%s\n' root:x:0:0:root:/root:/bin/bash nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin \
    user:x:1001:1001:user:/home/user:/bin/bash >passwd
printf '%s\n' root:x:0: tty:x:5: nogroup:x:65534: user:x:1001: >group
printf '%s\n' '127.0.0.1 localhost sandbox' '::1 localhost' >hosts
chown -R 1001:1001 .
# shellcheck disable=SC2016
exec unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc bash -euo pipefail -c '
    hostname sandbox
    ip link set lo up
    mount --bind passwd /etc/passwd
    mount --bind group /etc/group
    mount --bind hosts /etc/hosts
    ulimit -Sn 1024
    folder=$PWD
    cd work
    exec setpriv --reuid 1001 --regid 1001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
        env --ignore-environment --default-signal HOME="$folder/home" TMPDIR="$folder/tmp" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /usr/bin/python3 -u run.py "$@"' bash "$@"
