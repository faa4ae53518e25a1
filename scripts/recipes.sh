#!/usr/bin/env bash
# Installs into the cache what docs/recipes.md uses: Python packages, and a wheel to install without a network. Prints
# the folder of the Python programs and that of the wheel, a line each.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

# A recipe calls pip in a sandbox, which sees /usr.
/usr/bin/python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip ||
    die "pip is missing: install it for /usr/bin/python3"
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
