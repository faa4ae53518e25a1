#!/usr/bin/env bash
# Makes sure that sandboxes have pandas, which on this machine have its /usr.
source "$(dirname "$0")/lib.sh"

/usr/bin/python3 -c 'import pandas' 2>/dev/null || install_packages python3-pandas ||
    die "some programs use pandas: install it for /usr/bin/python3"
