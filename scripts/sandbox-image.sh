#!/usr/bin/env bash
# Usage: sandbox-image.sh [lock]
# Builds the default image of sandboxes into target/sandbox-image. With `lock` it renews the versions in its lock files.
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh sandbox-image-pip sandbox-image/requirements.txt)
case ${1:-} in
'') "$python" -B sandbox-image/build.py target/sandbox-image ;;
lock) "$python" -B sandbox-image/lock.py ;;
*) die "usage: sandbox-image.sh [lock]" ;;
esac
