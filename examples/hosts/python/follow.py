"""A Python host that follows a run through the composed component: what the program writes is shown as it comes.

python follow.py code-executor-http.wasm 'print(6*7)'
"""

import sys

from composed import end, load, request
from wasmtime.component import Variant


def main(path, code):
    call = load(path)
    run = call("code-executor-stream", "start", request(code))
    if not isinstance(run, str):  # an error: wasmtime leaves out a tag where types tell the cases apart
        sys.exit(f"{run.code}: {run.message}")
    while True:
        event = call("code-executor-stream", "next", run)
        if not isinstance(event, Variant):
            sys.exit(f"{event.code}: {event.message}")
        if event.tag == "ended":
            end(event.payload.status)
        if event.tag in ("stdout", "stderr"):
            print(event.payload, end="", flush=True, file=getattr(sys, event.tag))


if __name__ == "__main__":
    main(*sys.argv[1:])
