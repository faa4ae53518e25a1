#!/usr/bin/env bash
# Prints the path of a Python with google-adk as bench/adk/requirements.txt pins it, in the cache.
exec "$(dirname "$0")/python.sh" adk bench/adk/requirements.txt
