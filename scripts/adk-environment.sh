#!/usr/bin/env bash
# Usage: adk-environment.sh [NAME PYTHON]
# Builds the wheel of cofferdam-adk, installs it into a new environment with the packages of PYTHON, and prints the
# Python of that environment. The default PYTHON has google-adk as bench/adk/requirements.txt pins it.
exec 3>&1 >&2
source "$(dirname "$0")/lib.sh"

tools=$(scripts/python.sh adk-tests bench/adk/requirements.txt adapters/adk/requirements.txt)
name=${1:-pinned}
python=${2:-$tools}
out=target/adk/$name
pip() { "$tools" -m pip --disable-pip-version-check "$@"; }
packages() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

rm -rf "$out"
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$out/wheel" adapters/adk
"$python" -m venv --without-pip "$out/venv"
# The packages come from the shared cache, the wheel from this working tree.
packages "$python" >"$(packages "$out/venv/bin/python")/cached.pth"
pip --python "$out/venv/bin/python" install --quiet --no-deps --no-index "$out"/wheel/*.whl
echo "$PWD/$out/venv/bin/python" >&3
