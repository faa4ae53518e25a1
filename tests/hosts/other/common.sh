# Sourced by the scripts of this folder: each executes a program through a host, prints what the program printed, and exits
# with its exit code. Without a program they execute calls, as ../callers describes. They install what they need into $CACHE.
# Without COFFERDAM_URL they start a sidecar.
set -euo pipefail
PROGRAM=${1-}
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cofferdam/other-hosts}
mkdir -p "$CACHE"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${ROOT:-$(cd "$HERE/../../.." && pwd)}
CALLERS=$ROOT/tests/hosts/callers
RUN=$(mktemp -d)
STARTED=()

clean_up() {
    local pid
    for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$RUN"
}
trap clean_up EXIT

# install FOLDER DESCRIPTION COMMAND...: executes the command once, in that folder of the cache.
install() {
    local folder=$CACHE/$1 description=$2
    shift 2
    if [ ! -e "$folder/.complete" ]; then
        echo "installing in $folder: $description" >&2
        rm -rf "$folder"
        mkdir -p "$folder"
        (cd "$folder" && "$@" >&2)
        touch "$folder/.complete"
    fi
}

# start PATTERN COMMAND...: starts a server and waits until it prints the pattern. MATCH is its first group.
start() {
    local pattern=$1 pipe line
    shift
    mkfifo "$RUN/pipe"
    "$@" >"$RUN/pipe" 2>&1 </dev/null &
    STARTED+=($!)
    exec {pipe}<"$RUN/pipe"
    rm "$RUN/pipe"
    while IFS= read -r line <&"$pipe"; do
        printf '%s\n' "$line" >>"$RUN/log"
        if [[ $line =~ $pattern ]]; then
            MATCH=${BASH_REMATCH[1]-}
            cat <&"$pipe" >>"$RUN/log" &
            return
        fi
    done
    tail -5 "$RUN/log" >&2
    exit 1
}

start_sidecar() {
    if [ -z "${COFFERDAM_URL-}" ]; then
        start '^listening on (.*)' "$ROOT/target/release/cofferdam" serve --listen 127.0.0.1:0
        export COFFERDAM_URL=$MATCH
    fi
}

case $(uname -m) in
x86_64) ARCH=x64 ;;
aarch64) ARCH=arm64 ;;
esac
NODE=$CACHE/node/node_modules/node-linux-$ARCH/bin/node

install_node() {
    install node "Node 26.10.0 (npm, 210 MB)" npm install --no-audit --no-fund "node-linux-$ARCH@26.10.0"
}

install_jco() {
    npm_ci() { cp "$ROOT"/examples/hosts/node/package*.json . && npm ci --no-audit --no-fund; }
    install jco "jco 1.35.0 (npm, 340 MB)" npm_ci
}

# Copies the examples to $RUN/examples/hosts and transpiles the component for them.
transpile() {
    mkdir -p "$RUN/examples/hosts"
    cp -r "$ROOT/examples/hosts/jspi" "$ROOT/examples/hosts/browser" "$RUN/examples/hosts"
    (cd "$RUN/examples/hosts/jspi" && "$CACHE/jco/node_modules/.bin/jco" transpile \
        "$ROOT/target/components/code-executor.wasm" --out-dir out --quiet --instantiation async --async-mode jspi \
        --async-imports 'cofferdam:code-executor/sandbox@0.1.0#run' \
        --async-exports 'cofferdam:code-executor/code-executor@0.1.0#execute')
}
