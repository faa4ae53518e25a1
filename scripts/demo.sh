#!/usr/bin/env bash
# Builds what the demo needs, and runs four programs of the kind that agents write, each in a new sandbox: three from
# the terminal, and one through the component in a Python host.
source "$(dirname "$0")/lib.sh"

scripts/packages.sh
scripts/rust-toolchain.sh
scripts/rust-targets.sh
# gVisor and the Python host do not need Rust, so they are made beside the build.
log=target/demo-setup.log
{ scripts/gvisor.sh && python=$(scripts/python.sh hosts examples/hosts/python/requirements.txt); } &>"$log" &
beside=$!
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
scripts/build.sh
wait $beside || { cat "$log" >&2 && die "the setup beside the build failed"; }
python=$(scripts/python.sh hosts examples/hosts/python/requirements.txt)

asks=examples/agent-asks
out=target/demo
rm -rf $out
unexpected=0

# show HEADING EXPECTED-EXIT-CODE COMMAND...
show() {
    local heading=$1 expected=$2 code=0
    shift 2
    printf '\n== %s\n$%s\n' "$heading" "$(printf ' %q' "$@")"
    PATH=$PWD/target/release:$PATH "$@" 2>&1 || code=$?
    printf 'exit code: %d\n' "$code"
    if [ "$code" != "$expected" ]; then
        printf 'expected exit code: %d\n' "$expected"
        unexpected=1
    fi
}

show 'A calculation: what does this loan cost?' 0 \
    cofferdam run --backend local $asks/loan.py

show 'A file in, a file out: which customer bought what?' 0 \
    cofferdam run --backend local --file $asks/orders.csv:orders.csv --collect '*.json' --out $out $asks/orders.py
if [ -s $out/summary.json ]; then
    printf 'returned file, %s/summary.json:\n' $out
    cat $out/summary.json
else
    printf 'expected file: %s/summary.json\n' $out
    unexpected=1
fi

show 'A mistake: the traceback is the result' 1 \
    cofferdam run --backend local $asks/mistake.py

# The sidecar ends with its standard input.
exec 3> >(exec target/release/cofferdam serve --backend local --listen 127.0.0.1:0 --until-stdin-ends 2>"$out/sidecar.log")
until address=$(grep -o 'http://.*' "$out/sidecar.log" 2>/dev/null); do
    kill -0 $! 2>/dev/null || { cat "$out/sidecar.log" >&2 && die "the sidecar did not start"; }
    read -rt 0.05 <> <(:) || true
done
export COFFERDAM_URL=$address
show 'The component, in a Python host: the sidecar executes what its import is given' 0 \
    "$python" examples/hosts/python/bare.py target/components/code-executor.wasm "print(sum(range(101)))"
exec 3>&-

exit $unexpected
