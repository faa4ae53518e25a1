#!/usr/bin/env bash
# Runs `cargo` with the toolchain that set-up has chosen and with the target folder that the other scripts expect.
source "$(dirname "$0")/lib.sh"
exec cargo "$@"
