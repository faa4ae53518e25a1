# shellcheck shell=bash
# What the scripts share: source it first. It goes to the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/cofferdam
SETUP=target/setup # what set-up found out, so that the next time it need not ask again
# shellcheck disable=SC2034
WANTED_RUST=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)

# The scripts and build.rs rely on where things lie, whatever the caller's environment says.
export CARGO_TARGET_DIR=$PWD/target
# rustup's shell settings are not read by every kind of shell.
command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
# Set when the toolchain asked for cannot be had and another one will do.
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

# install_packages NAME...: says so, then installs; fails with what to do by hand.
install_packages() {
    local as_root=()
    if ! have apt-get; then
        complain "no apt-get here; install by hand what Debian calls: $*"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! have sudo; then
            complain "neither root nor sudo; as root, run: apt-get install --no-install-recommends $*"
            return 1
        fi
        as_root=(sudo)
    fi
    say "installing Debian packages: $*"
    local options=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
    "${as_root[@]}" apt-get "${options[@]}" update || complain "package lists are not all fresh; going on with what is there"
    # --no-remove: never trade a package of the user's for one of ours.
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get "${options[@]}" install -y --no-install-recommends --no-remove "$@" >/dev/null; then
        complain "apt-get could not install: $*"
        return 1
    fi
}
