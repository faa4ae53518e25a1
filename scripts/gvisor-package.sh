#!/usr/bin/env bash
# Prints the path of a Python with gVisor's own package as bench/gvisor/requirements.txt pins it, in the cache.
exec "$(dirname "$0")/python.sh" gvisor-package bench/gvisor/requirements.txt
