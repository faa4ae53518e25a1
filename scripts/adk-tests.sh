#!/usr/bin/env bash
# Usage: adk-tests.sh [PYTEST-OPTION...]
# Tests the package cofferdam-adk, and the environment of the Python client, with the pinned google-adk, and with the
# newest one if that differs. Needs `make build`.
source "$(dirname "$0")/lib.sh"

scripts/pandas.sh # google-adk's flow explores CSV files with pandas

# run_tests PYTHON PYTEST-OPTION...: connects to a cluster without a proxy, as the program does.
run_tests() {
    (cd adapters/adk && NO_PROXY='*' "$1" -m pytest -p no:cacheprovider "${@:2}") || selects_none $? "${@:2}"
    (cd clients/python && "$1" -m pytest -p no:cacheprovider "${@:2}" tests/test_adk.py) || selects_none $? "${@:2}"
}

# selects_none STATUS PYTEST-OPTION...: whether pytest failed since the options select no test of this folder.
selects_none() { [ "$1" = 5 ] && [ $# -gt 1 ]; }

run_tests "$(scripts/adk-environment.sh)" "$@"

pinned=$(sed -n 's/^google-adk==\([^ ]*\).*/\1/p' bench/adk/requirements.txt)
newest=$("$CACHE/adk-tests/bin/pip" --disable-pip-version-check index versions google-adk 2>/dev/null |
    sed -n 's/^google-adk (\(.*\))$/\1/p') || true
case $newest in
"") say "the package index is unreachable, so the newest google-adk is unknown: tested with $pinned only" ;;
"$pinned") say "the pinned google-adk, $pinned, is the newest" ;;
*)
    say "testing with the newest google-adk, $newest"
    # Its dependencies are unpinned, as for a user who installs it today.
    {
        echo "google-adk==$newest"
        sed -En 's/^((kubernetes|pytest|wasmtime)==[^ ]*).*/\1/p' bench/adk/requirements.txt adapters/adk/requirements.txt
    } >target/adk/newest.txt
    python=$(PIP_REQUIRE_HASHES=0 scripts/python.sh adk-newest target/adk/newest.txt)
    run_tests "$(scripts/adk-environment.sh newest "$python")" "$@"
    ;;
esac
