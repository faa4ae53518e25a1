#!/usr/bin/env bash
# `cargo` with the toolchain that set-up chose, and with target/ where the rest expects it.
source "$(dirname "$0")/lib.sh"
exec cargo "$@"
