#!/usr/bin/env bash
# Makes sure that sandboxes, which on this machine have its /usr, have CPython's own tests, and that they can run beside them.
source "$(dirname "$0")/lib.sh"

missing=()
version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
/usr/bin/python3 -c 'import test.test_os' 2>/dev/null || missing+=("libpython$version-testsuite")
have ip || missing+=(iproute2)
have setpriv || missing+=(util-linux)
if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}" || die "CPython's own tests cannot be run"; fi
