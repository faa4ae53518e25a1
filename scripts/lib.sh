# shellcheck shell=bash
# Shared functions and variables. Source it first. It changes to the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/cofferdam
SETUP=target/setup # results of set-up, which the next set-up reuses
# shellcheck disable=SC2034
WANTED_RUST=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)

# The scripts and build.rs expect this folder, whatever the caller's environment says.
export CARGO_TARGET_DIR=$PWD/target
# Not every shell reads rustup's settings.
command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
# Set if the wanted toolchain cannot be installed and a later one is used.
if [ -s $SETUP/toolchain ]; then RUSTUP_TOOLCHAIN=$(<$SETUP/toolchain) && export RUSTUP_TOOLCHAIN; fi

say() { printf 'set-up: %s\n' "$*"; }
complain() { printf 'set-up: %s\n' "$*" >&2; }
die() {
    complain "$@"
    exit 1
}
have() { command -v "$1" >/dev/null; }

# at_least MINIMUM VERSION
at_least() { [ -n "$2" ] && printf '%s\n' "$1" "$2" | sort -V -C; }

# as_root COMMAND...: runs a command as root, if it can.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else have sudo && sudo "$@"; fi
}

update_package_lists() { as_root apt-get -qq -o DPkg::Lock::Timeout=120 update; }

# with_package_lists COMMAND...: runs a command, and again with new lists of packages, which may be missing or old.
with_package_lists() { "$@" || { update_package_lists && "$@"; }; }

# install_packages NAME...: prints the packages, then installs them. On failure it prints what to do by hand.
install_packages() {
    if ! have apt-get; then
        complain "apt-get is missing; install these by hand (names of Debian packages): $*"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! have sudo; then
        complain "this needs root or sudo; as root, run: apt-get install --no-install-recommends $*"
        return 1
    fi
    say "installing Debian packages: $*"
    local options=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
    update_package_lists ||
        complain "some package lists could not be updated; continuing with the old ones"
    # --no-remove: never remove a package of the user.
    if ! as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "${options[@]}" install -y --no-install-recommends --no-remove "$@" >/dev/null; then
        complain "apt-get could not install: $*"
        return 1
    fi
}
