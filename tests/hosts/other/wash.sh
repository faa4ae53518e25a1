#!/usr/bin/env bash
# Executes a program through wasmCloud's wash.
source "$(dirname "$0")/common.sh"
source "$HERE/wash-install.sh"
with_venv() { python3 -m venv . && bin/pip install -q --disable-pip-version-check componentize-py==0.25.1; }
install componentize-py "componentize-py 0.25.1 (PyPI, 75 MB)" with_venv
mkdir -p "$RUN/examples/hosts" "$RUN/target"
cp -r "$ROOT/examples/hosts/wash" "$RUN/examples/hosts"
cp -r "$ROOT/wit" "$RUN/wit"
cp -r "$ROOT/target/components" "$RUN/target/components"
start_sidecar
cd "$RUN/examples/hosts/wash"
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
# The token goes into the file without being in a command line.
PORT=$port python3 - <<'P'
import os
path = ".wash/config.yaml"
with open(path) as file:
    config = file.read()
url, address = os.environ["COFFERDAM_URL"], os.environ["COFFERDAM_URL"].split("://")[1]
config = config.replace("127.0.0.1:8080", "127.0.0.1:" + os.environ["PORT"])
config = config.replace("http://127.0.0.1:8787", url).replace("127.0.0.1:8787", address)
if token := os.environ.get("COFFERDAM_TOKEN"):
    config = config.replace("COFFERDAM_URL:", f"COFFERDAM_TOKEN: {token}\n      COFFERDAM_URL:")
with open(path, "w") as file:
    file.write(config)
P
export PATH=$CACHE/componentize-py/bin:$PATH
export XDG_CACHE_HOME=$RUN/wash XDG_DATA_HOME=$RUN/wash XDG_CONFIG_HOME=$RUN/wash
if [ -z "$PROGRAM" ]; then
    # Another component instead of the example's.
    sed -i '/^build:/,/^dev:/c build: {command: "true", component_path: '"$COMPONENT"'}\ndev:' .wash/config.yaml
    start 'listening for HTTP requests' "$WASH" dev
    echo "listening on http://127.0.0.1:$port"
    cat
    exit
fi
start 'listening for HTTP requests' "$WASH" dev
curl -sS "http://127.0.0.1:$port/" --data-binary @- <<<"$PROGRAM" -o answer
python3 - <<'P'
import json, sys
answer = json.load(open("answer"))
if "code" in answer:
    sys.exit(f"{answer['code']}: {answer['message']}")
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.exit("the program did not exit normally" if answer["exit_code"] is None else answer["exit_code"])
P
