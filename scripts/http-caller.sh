#!/usr/bin/env bash
# Builds the component that the tests call through hosts with HTTP, and composes it, into target/agents. Needs
# `make components`.
source "$(dirname "$0")/lib.sh"
# shellcheck source=guest-compiler.sh
source scripts/guest-compiler.sh

mkdir -p target/agents
build_guest http-caller
componentize agent "$modules/http_caller.wasm" target/components target/agents http-caller
