#!/usr/bin/env bash
# Installs the system packages that every build and every sandbox needs.
source "$(dirname "$0")/lib.sh"

missing=()
have make || missing+=(make)
have cc || missing+=(gcc)
have ar || missing+=(binutils)
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
# Sandboxes see only the host's /usr, so an interpreter elsewhere does not count.
[ -x /usr/bin/python3 ] || missing+=(python3)
compgen -G '/etc/ssl/certs/*' >/dev/null || missing+=(ca-certificates)

if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
