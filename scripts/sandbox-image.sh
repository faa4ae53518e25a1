#!/usr/bin/env bash
# Usage: sandbox-image.sh [lock|archive]
# Builds the default image of sandboxes into target/sandbox-image. With `lock` it renews the versions in its lock files.
# With `archive` it prints the path of an image for tests in the cache, and builds it only if its sources have changed.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh sandbox-image-pip sandbox-image/requirements.txt)
# build SOURCES
build() { "$python" -B "$1/build.py" target/sandbox-image; }

# Debian's mirrors keep only the newest versions. Tests shall not fail with the lock file's age, which stays as it is.
build_for_tests() {
    local status=0 renewed
    build sandbox-image || status=$?
    [ $status = 3 ] || return $status
    complain "building the image of the tests with the newest versions"
    renewed=$(mktemp -d)
    cp -r sandbox-image/. "$renewed"
    status=0
    { "$python" -B "$renewed/lock.py" && build "$renewed"; } || status=$?
    rm -rf "$renewed"
    return $status
}

# The archive is renamed last: one that is there is complete.
archive() {
    local key built folder=$CACHE/sandbox-image-built
    key=$(cat sandbox-image/*.py sandbox-image/packages.toml sandbox-image/{lock,licences}/* | sha256sum | cut -c1-16)
    built=$folder/$key.oci.tar
    mkdir -p "$folder"
    exec 4>"$folder/lock"
    flock 4
    if [ ! -e "$built" ]; then
        say "building the default image of sandboxes"
        build_for_tests
        rm -f "$folder"/*.oci.tar*
        cp target/sandbox-image/cofferdam-sandbox.oci.tar "$built.new"
        mv "$built.new" "$built"
    fi
    echo "$built" >&3
}

case ${1:-} in
'') build sandbox-image ;;
lock) "$python" -B sandbox-image/lock.py ;;
archive) archive ;;
*) die "usage: sandbox-image.sh [lock|archive]" ;;
esac
