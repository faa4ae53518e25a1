#!/usr/bin/env bash
# Builds the sidecar's container image of what `make build` has made, with Docker, Podman or Buildah; given an ARCHIVE, writes it
# there instead, as `docker save` does, with Buildah: image.sh [ARCHIVE [NAME]]
source "$(dirname "$0")/lib.sh"

name=${2:-cofferdam:$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)}
[ -d target/image ] || scripts/stage-image.sh
build=(-f deploy/Dockerfile -t "$name" .)

archive=${1:-}
if [ "$archive" ]; then
    have buildah || install_packages buildah || die "no Buildah here, and it cannot be installed"
    # The user's own images are left alone.
    storage=$(mktemp -d -p target)
    trap 'rm -rf "$storage"' EXIT
    buildah=(buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs)
    # As root, no user of its own is needed to copy files.
    "${buildah[@]}" build --quiet --isolation chroot --timestamp 0 "${build[@]}" >/dev/null
    rm -f "$archive"
    "${buildah[@]}" push --quiet "$name" "docker-archive:$archive:docker.io/library/$name"
elif docker info >/dev/null 2>&1; then
    docker build "${build[@]}"
elif have podman; then
    podman build "${build[@]}"
else
    have buildah || install_packages buildah || die "none of Docker, Podman and Buildah is here"
    buildah build "${build[@]}"
fi
echo "$name: $(du -sm target/image | cut -f1) MiB"
