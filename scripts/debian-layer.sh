#!/usr/bin/env bash
# Usage: debian-layer.sh PACKAGE...
# Makes a layer of Debian packages with all that they depend on, and no documentation, in the cache. Prints the path of the tar
# archive, beside which `.sha256` has its digest.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

# Made anew for another Debian, or if this script changes.
key=$(cat scripts/debian-layer.sh /etc/os-release | sha256sum | cut -c1-12)
layer=$CACHE/debian-layers/$(IFS=+ && echo "$*")-$key.tar
download() {
    # As if nothing were installed, so that nothing is left out.
    apt-get -qq -y --no-install-recommends --download-only -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
        -o Dir::State::status=/dev/null -o Dir::Cache::archives="$new/packages" -o Dir::Cache::pkgcache= \
        -o Dir::Cache::srcpkgcache= install "$@"
}

mkdir -p "${layer%/*}"
# Several tests may need it at once.
exec 9>"$layer.lock"
flock 9
if [ ! -e "$layer" ]; then
    say "making a layer of these Debian packages in the cache: $*"
    have apt-get || die "apt-get is missing: make $layer of these Debian packages by hand, and $layer.sha256: $*"
    new=$(mktemp -d -p "${layer%/*}")
    trap 'rm -rf "$new"' EXIT
    mkdir -p "$new/packages/partial" "$new/root"
    with_package_lists download "$@" || die "these packages cannot be downloaded: $*"
    for package in "$new"/packages/*.deb; do dpkg-deb --extract "$package" "$new/root"; done
    tar --create --file "$new/layer" --directory "$new/root" --sort name --owner 0 --group 0 --numeric-owner \
        --exclude './usr/share/doc' --exclude './usr/share/man' --exclude './usr/share/locale' .
    sha256sum <"$new/layer" | cut -d' ' -f1 >"$layer.sha256"
    mv "$new/layer" "$layer"
fi
echo "$layer" >&3
