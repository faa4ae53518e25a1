#!/usr/bin/env bash
# Builds the default image of sandboxes once more in another folder, as a user who keeps files private, and compares the
# bytes. Then it tests the image, in sandboxes too, and executes every conformance case with it. Needs `make build` and
# `make sandbox-image`.
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh sandbox-image-pip sandbox-image/requirements.txt)
again=target/sandbox-image-again/deeper
(umask 077 && "$python" -B sandbox-image/build.py "$again")
for file in cofferdam-sandbox.oci.tar cofferdam-sandbox.cdx.json; do
    cmp "target/sandbox-image/$file" "$again/$file" || die "$file has other bytes when it is built in $again"
done
rm -rf "$(dirname "$again")"
"$python" -B sandbox-image/tests/test_image.py
CONFORMANCE_DRIVERS=default-image cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test conformance
