#!/usr/bin/env bash
# Installs CPython's test suite into /usr, which sandboxes see, and the programs that execute it without a sandbox for
# comparison.
source "$(dirname "$0")/lib.sh"

missing=()
version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
/usr/bin/python3 -c 'import test.test_os' 2>/dev/null || missing+=("libpython$version-testsuite")
have ip || missing+=(iproute2)
have setpriv || missing+=(util-linux)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}" || die "CPython's test suite cannot run without: ${missing[*]}"
fi
