#!/usr/bin/env bash
# Tests the package cofferdam-adk: builds its wheel, installs it beside google-adk as it is pinned and runs its tests, and the
# same with the newest google-adk where that is another one. `adk-tests.sh [PYTEST-OPTION...]`; the program must have been built.
source "$(dirname "$0")/lib.sh"

# Agents explore tables with it, in the sandbox, which has this machine's /usr.
if ! /usr/bin/python3 -c 'import pandas' 2>/dev/null; then
    install_packages python3-pandas || die "the tests explore a table: install pandas for /usr/bin/python3"
fi

requirements=adapters/adk/requirements.txt
python=$(scripts/python.sh adk-tests bench/adk/requirements.txt $requirements)
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

out=target/adk
rm -rf $out/wheel
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $out/wheel adapters/adk
rm -rf adapters/adk/build

# run_tests NAME PYTHON PYTEST-OPTION...: in an environment that has the wheel, and all that PYTHON's has.
run_tests() {
    local environment=$out/$1 packages
    packages=$("$2" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    rm -rf "$environment"
    "$2" -m venv --without-pip "$environment"
    echo "$packages" >"$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/cached.pth"
    pip --python "$environment/bin/python" install --quiet --no-deps --no-index --force-reinstall $out/wheel/*.whl
    # Like the program, it goes to a cluster straight.
    (cd adapters/adk && NO_PROXY='*' "../../$environment/bin/python" -m pytest -p no:cacheprovider "${@:3}")
}

run_tests pinned "$python" "$@"

pinned=$(sed -n 's/^google-adk==//p' bench/adk/requirements.txt)
newest=$(pip index versions google-adk 2>/dev/null | sed -n 's/^google-adk (\(.*\))$/\1/p')
case $newest in
"") say "the package index does not tell which google-adk is the newest: tested is $pinned" ;;
"$pinned") say "the pinned google-adk, $pinned, is the newest" ;;
*)
    say "testing with the newest google-adk, $newest"
    # Only what is asked of it directly is pinned: the rest is what its users get today.
    { echo "google-adk==$newest" && grep -E '^(pytest|wasmtime)==' $requirements &&
        grep '^kubernetes==' bench/adk/requirements.txt; } >$out/newest.txt
    run_tests newest "$(scripts/python.sh adk-newest $out/newest.txt)" "$@"
    ;;
esac
