#!/usr/bin/env bash
# Usage: debian-program.sh PACKAGE PROGRAM
# Unpacks a Debian package into the cache, without installing its services, and prints the path of the program in it.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

package=$1
folder=$CACHE/$package
download() { (cd "$folder.new" && apt-get -qq -o APT::Sandbox::User=root download "$package"); }

mkdir -p "$CACHE"
# Several tests may need it at once.
exec 9>"$folder.lock"
flock 9
if [ ! -e "$folder" ]; then
    say "unpacking Debian's $package into the cache"
    have apt-get || die "apt-get is missing: unpack the Debian package $package into $folder by hand"
    rm -rf "$folder.new"
    mkdir "$folder.new"
    with_package_lists download || die "$package cannot be downloaded"
    dpkg -x "$folder.new/$package"_*.deb "$folder.new"
    rm "$folder.new/$package"_*.deb
    mv "$folder.new" "$folder"
fi
echo "$folder$2" >&3
