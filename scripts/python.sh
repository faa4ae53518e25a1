#!/usr/bin/env bash
# Usage: python.sh NAME REQUIREMENTS...
# Installs the packages of requirements files into an environment NAME in the cache, and prints the path of its
# Python. The files name every package with a hash. With PIP_REQUIRE_HASHES=0 pip adds the dependencies.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=$CACHE/$1
shift
export PIP_REQUIRE_HASHES=${PIP_REQUIRE_HASHES:-1}
# pip would take the newest versions of dependencies, which have no hash.
export PIP_NO_DEPS=$PIP_REQUIRE_HASHES

# python: prints a Python that is new enough and can create environments.
python() {
    local python
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

# The copy is written last: a folder that has it is complete.
if ! cat "$@" | cmp -s - "$folder/requirements.txt" || ! "$folder/bin/python" -c '' 2>/dev/null; then
    python >/dev/null || install_packages python3-venv || true
    python=$(python) || die "Python 3.11 or later with venv is missing: on Debian, install python3-venv"
    say "installing the packages of $* into the cache"
    rm -rf "$folder"
    mkdir -p "$CACHE"
    "$python" -m venv "$folder"
    "$folder/bin/pip" --disable-pip-version-check install --quiet "${@/#/--requirement=}" ||
        die "pip could not install the packages of $*"
    "$folder/bin/pip" --disable-pip-version-check check >/dev/null || die "$*: a dependency of these packages is missing"
    cat "$@" >"$folder/requirements.txt"
fi
echo "$folder/bin/python" >&3
