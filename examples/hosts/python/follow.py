"""A Python host that streams an execution through the composed component: output is printed as it arrives.

python follow.py code-executor-http.wasm 'print(6*7)'
"""

import sys

from composed import exit_like, load, request
from wasmtime.component import Variant


def main(path, code):
    call = load(path)
    # wasmtime returns the payload without a tag if the types of the cases differ.
    execution_id = call("code-executor-stream", "start", request(code))
    if not isinstance(execution_id, str):
        sys.exit(f"{execution_id.code}: {execution_id.message}")
    while True:
        event = call("code-executor-stream", "next", execution_id)
        if not isinstance(event, Variant):
            sys.exit(f"{event.code}: {event.message}")
        if event.tag == "ended":
            exit_like(event.payload.status)
        if event.tag in ("stdout", "stderr"):
            print(event.payload, end="", flush=True, file=getattr(sys, event.tag))


if __name__ == "__main__":
    main(*sys.argv[1:])
