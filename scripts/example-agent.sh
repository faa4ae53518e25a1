#!/usr/bin/env bash
# Builds the example agent in Rust, as a component with a function and as a web server, and composes each with the
# components, into target/agents. Needs `make components`.
source "$(dirname "$0")/lib.sh"
# shellcheck source=guest-compiler.sh
source scripts/guest-compiler.sh

mkdir -p target/agents
compose() { componentize agent "$modules/example_agent.wasm" target/components target/agents "$1"; }
build_guest example-agent
compose rust
build_guest example-agent --features web
compose rust-web
