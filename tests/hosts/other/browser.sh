#!/usr/bin/env bash
# Executes a program through a page in Chromium.
source "$(dirname "$0")/common.sh"
install_node
install_jco
npm_ci() { cp "$ROOT"/examples/hosts/browser/package*.json . && npm ci --no-audit --no-fund; }
install puppeteer "puppeteer-core 25.16.0 (npm, 33 MB)" npm_ci
if [ ! -x /usr/bin/chromium ]; then
    echo "installing on this machine: Chromium (Debian, 414 MB; 137 or newer has JSPI)" >&2
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >&2
fi
transpile
ln -s "$CACHE/puppeteer/node_modules" "$RUN/examples/hosts/browser/node_modules"
start_sidecar
cd "$RUN/examples/hosts/browser"
PORT=0 start '^listening on (.*)' "$NODE" server.mjs
if [ "$PROGRAM" ]; then "$NODE" drive.mjs "$MATCH" "$PROGRAM"; else "$NODE" "$CALLERS/chromium.mjs" "$MATCH"; fi
