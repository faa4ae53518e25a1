#!/usr/bin/env bash
# Installs into the cache what docs/recipes.md uses: Python packages, and a wheel to install without a network. Prints
# the folder of the Python programs and that of the wheel, a line each.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh recipes examples/recipes/requirements.txt)
wheels=$CACHE/recipes-wheels
wanted=examples/recipes/wheels.txt
# The copy is written last: a folder that has it is complete.
if ! cmp -s $wanted "$wheels/complete"; then
    rm -rf "$wheels"
    "$python" -m pip --disable-pip-version-check download --quiet --no-deps --require-hashes --dest "$wheels" \
        --requirement $wanted ||
        die "pip could not download the wheels of $wanted"
    cp $wanted "$wheels/complete"
fi
printf '%s\n' "$(dirname "$python")" "$wheels" >&3
