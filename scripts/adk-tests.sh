#!/usr/bin/env bash
# Tests the package cofferdam-adk with google-adk as it is pinned, and with the newest where that is another one; the program
# must have been built: adk-tests.sh [PYTEST-OPTION...]
source "$(dirname "$0")/lib.sh"

scripts/pandas.sh # for an agent that explores a table

# run_tests PYTHON PYTEST-OPTION...; like the program, they go to a cluster straight.
run_tests() { (cd adapters/adk && NO_PROXY='*' "$1" -m pytest -p no:cacheprovider "${@:2}"); }

run_tests "$(scripts/adk-environment.sh)" "$@"

pinned=$(sed -n 's/^google-adk==\([^ ]*\).*/\1/p' bench/adk/requirements.txt)
newest=$("$CACHE/adk-tests/bin/pip" --disable-pip-version-check index versions google-adk 2>/dev/null |
    sed -n 's/^google-adk (\(.*\))$/\1/p') || true
case $newest in
"") say "the package index does not tell which google-adk is the newest: tested with $pinned" ;;
"$pinned") say "the pinned google-adk, $pinned, is the newest" ;;
*)
    say "testing with the newest google-adk, $newest"
    # What google-adk needs is what its users get today.
    {
        echo "google-adk==$newest"
        sed -En 's/^((kubernetes|pytest|wasmtime)==[^ ]*).*/\1/p' bench/adk/requirements.txt adapters/adk/requirements.txt
    } >target/adk/newest.txt
    python=$(PIP_REQUIRE_HASHES=0 scripts/python.sh adk-newest target/adk/newest.txt)
    run_tests "$(scripts/adk-environment.sh newest "$python")" "$@"
    ;;
esac
