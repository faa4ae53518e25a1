#!/usr/bin/env bash
# Usage: image.sh [ARCHIVE [NAME]]
# Builds the sidecar's container image from the output of `make build`, with Docker, Podman or Buildah. With ARCHIVE
# it uses Buildah, and writes the image to that file in the format of `docker save`.
source "$(dirname "$0")/lib.sh"

name=${2:-cofferdam:$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)}
[ -d target/image ] || scripts/stage-image.sh
build=(-f deploy/Dockerfile -t "$name" .)

archive=${1:-}
if [ "$archive" ]; then
    have buildah || install_packages buildah || die "Buildah is missing: install it"
    # Does not touch the user's images.
    storage=$(mktemp -d -p target)
    trap 'rm -rf "$storage"' EXIT
    buildah=(buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs)
    # As root, copying files needs no user namespace.
    "${buildah[@]}" build --quiet --isolation chroot --timestamp 0 "${build[@]}" >/dev/null
    rm -f "$archive"
    "${buildah[@]}" push --quiet "$name" "docker-archive:$archive:docker.io/library/$name"
elif docker info >/dev/null 2>&1; then
    docker build "${build[@]}"
elif have podman; then
    podman build "${build[@]}"
else
    have buildah || install_packages buildah || die "Docker, Podman and Buildah are missing: install one of them"
    buildah build "${build[@]}"
fi
echo "$name: $(du -sm target/image | cut -f1) MiB"
