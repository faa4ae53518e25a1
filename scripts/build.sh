#!/usr/bin/env bash
# Builds the components, the runner and the program.
source "$(dirname "$0")/lib.sh"

scripts/build-embedded.sh
# With the features that the whole workspace selects, so that tests, benches and lints compile no dependency again.
cargo build --release --locked --workspace --bin cofferdam
scripts/stage-image.sh
