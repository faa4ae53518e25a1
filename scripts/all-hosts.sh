#!/usr/bin/env bash
# Runs the tests of the hosts that are large to install, and of the agents in Python, JavaScript and Go. Needs `make build`.
source "$(dirname "$0")/lib.sh"

say "this installs into the cache, once: Node 26 (211 MB), jco (337 MB), componentize-js (383 MB), wash (80 MB),
componentize-py (72 MB), Wassette with a libc (66 MB), puppeteer-core (33 MB), docker-registry (20 MB),
wasm-tools (60 MB), Go (253 MB), and built from crates, which takes 1.1 GB and some minutes, wkg (28 MB) and wit-bindgen (17 MB),
and wasmtime with component-model-async (1.3 GB, some minutes);
and on this machine Chromium (414 MB), with its package manager"
cargo test --release --locked --workspace --exclude cofferdam-pipeline-tests --test hosts --test host -- --ignored --test-threads 1
