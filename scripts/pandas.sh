#!/usr/bin/env bash
# Installs pandas into /usr, which sandboxes see.
source "$(dirname "$0")/lib.sh"

/usr/bin/python3 -c 'import pandas' 2>/dev/null || install_packages python3-pandas ||
    die "pandas is missing: install it for /usr/bin/python3"
