#!/usr/bin/env bash
# Checks format and lints. Optional checks run if their tool is installed.
source "$(dirname "$0")/lib.sh"

if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    say "adding Rust components: rustfmt clippy (rustup)"
    rustup component add rustfmt clippy ||
        die "cargo fmt and cargo clippy are missing: on Debian, install rustfmt-web and clippy-web"
fi

scripts/words.sh
cargo fmt --all --check
# The release profile reuses build scripts and macros of the build.
cargo clippy --release --locked --workspace --all-targets -- -D warnings
# Outside the workspace, a program has only the features that it enables. Its crates have the workspace's versions.
for embedder in tests/embedders/*/; do
    cp Cargo.lock "$embedder"
    cargo check --release --offline --manifest-path "${embedder}Cargo.toml" --target-dir target/embedders
done
scripts/package.sh --no-verify --quiet
# lint_python FOLDER NAME REQUIREMENTS...: lints a package with the environment NAME of these requirements.
lint_python() {
    local python
    python=$(scripts/python.sh "${@:2}")
    (
        cd "$1"
        "$python" -m ruff check --quiet --no-cache .
        "$python" -m ruff format --quiet --check --no-cache .
        "$python" -m mypy --no-error-summary --cache-dir "../../target/mypy/$2"
    )
}
lint_python adapters/adk adk-tests bench/adk/requirements.txt adapters/adk/requirements.txt
# Its module for google-adk is checked with that.
lint_python clients/python adk-tests bench/adk/requirements.txt adapters/adk/requirements.txt
if have shellcheck; then shellcheck -x -P SCRIPTDIR scripts/*.sh tests/cluster/*.sh tests/cpython/*.sh .ci/run; fi
scripts/deny.sh bans licenses sources
