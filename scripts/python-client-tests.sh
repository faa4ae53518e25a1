#!/usr/bin/env bash
# Usage: python-client-tests.sh [PYTEST-OPTION...]
# Tests the Python client of sessions against a sidecar on this machine. Needs `make build`. adk-tests.sh tests its
# environment for google-adk.
source "$(dirname "$0")/lib.sh"

python=$(scripts/python.sh python-client clients/python/requirements.txt)
cd clients/python
"$python" -m pytest -p no:cacheprovider --ignore tests/test_adk.py "$@"
