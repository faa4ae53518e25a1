#!/usr/bin/env bash
# Runs the unit tests of the crates without processes and sockets, in the profile for development. They need nothing built.
source "$(dirname "$0")/lib.sh"

cargo test --quiet --locked --lib -p cofferdam-types -p cofferdam-http-api -p cofferdam-rendering -p cofferdam-protocol \
    -p cofferdam-core -p cofferdam-images -p cofferdam-pipeline-tests "$@"
