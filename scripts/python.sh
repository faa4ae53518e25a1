#!/usr/bin/env bash
# Prints the path of a Python in the cache that has what files of requirements name, which is all that is needed, with a hash for
# each package; where PIP_REQUIRE_HASHES is 0, what those need as well: python.sh FOLDER REQUIREMENTS...
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

folder=$CACHE/$1
shift
export PIP_REQUIRE_HASHES=${PIP_REQUIRE_HASHES:-1}
# What a package needs is looked for among the newest, which have no hash.
export PIP_NO_DEPS=$PIP_REQUIRE_HASHES

# python: one that is new enough and can make an environment of its own.
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

# The copy is put there last: what has it is whole.
if ! cat "$@" | cmp -s - "$folder/requirements.txt" || ! "$folder/bin/python" -c '' 2>/dev/null; then
    python >/dev/null || install_packages python3-venv || true
    python=$(python) || die "no Python of 3.11 or later with venv: on Debian, install python3-venv"
    say "installing into the cache what $* names"
    rm -rf "$folder"
    mkdir -p "$CACHE"
    "$python" -m venv "$folder"
    "$folder/bin/pip" --disable-pip-version-check install --quiet "${@/#/--requirement=}" ||
        die "pip could not install what $* names"
    "$folder/bin/pip" --disable-pip-version-check check >/dev/null || die "$* lacks something that its packages need"
    cat "$@" >"$folder/requirements.txt"
fi
echo "$folder/bin/python" >&3
