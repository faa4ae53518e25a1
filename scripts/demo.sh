#!/usr/bin/env bash
# Runs three programs that an agent would write, each in a new sandbox, and shows the results.
source "$(dirname "$0")/lib.sh"

asks=examples/agent-asks
out=target/demo
rm -rf $out
unexpected=0

# show HEADING EXPECTED-EXIT-CODE ARGUMENT...
show() {
    local heading=$1 expected=$2 code=0
    shift 2
    printf '\n== %s\n$ cofferdam run%s\n' "$heading" "$(printf ' %q' "$@")"
    target/release/cofferdam run "$@" 2>&1 || code=$?
    printf 'exit code: %d\n' "$code"
    if [ "$code" != "$expected" ]; then
        printf 'expected exit code: %d\n' "$expected"
        unexpected=1
    fi
}

show 'A calculation: what does this loan cost?' 0 \
    --backend local $asks/loan.py

show 'A file in, a file out: which customer bought what?' 0 \
    --backend local --file $asks/orders.csv:orders.csv --collect '*.json' --out $out $asks/orders.py
if [ -s $out/summary.json ]; then
    printf 'returned file, %s/summary.json:\n' $out
    cat $out/summary.json
else
    printf 'expected file: %s/summary.json\n' $out
    unexpected=1
fi

show 'A mistake: the traceback is the result' 1 \
    --backend local $asks/mistake.py

exit $unexpected
