#!/usr/bin/env bash
# Unpacks Debian's docker-registry into the cache, without its service, and prints the path of the program.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=$CACHE/docker-registry
download() { (cd "$folder.new" && apt-get -qq -o APT::Sandbox::User=root download docker-registry); }

mkdir -p "$CACHE"
# Several tests may need it at once.
exec 9>"$folder.lock"
flock 9
if [ ! -e "$folder" ]; then
    say "unpacking Debian's docker-registry into the cache (17 MB)"
    have apt-get || die "apt-get is missing: unpack the Debian package docker-registry into $folder by hand"
    rm -rf "$folder.new"
    mkdir "$folder.new"
    # The lists of packages may be missing or old.
    download || { update_package_lists && download; } || die "docker-registry cannot be downloaded"
    dpkg -x "$folder.new"/docker-registry_*.deb "$folder.new"
    rm "$folder.new"/docker-registry_*.deb
    mv "$folder.new" "$folder"
fi
echo "$folder/usr/bin/docker-registry" >&3
