"""Calls a function of the component for each line of stdin, and writes its result as a line to stdout. A call is
[interface, function, argument]; values are JSON in the contract's names, in which bytes are {"base64": "..."}.

python caller.py code-executor-http.wasm
"""

import base64
import json
import sys
from pathlib import Path

from wasmtime.component import Record, Variant

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/hosts/python"))
from composed import load


def from_json(value):
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"base64"}:
        return base64.b64decode(value["base64"])
    record = Record()  # an optional record of another class would be taken for none
    vars(record).update({name: from_json(item) for name, item in value.items()})
    return record


def to_json(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Variant):
        return value.tag if value.payload is None else {value.tag: to_json(value.payload)}
    if hasattr(value, "__dict__"):
        return {name: to_json(item) for name, item in vars(value).items()}
    return value


call = load(sys.argv[1])
for line in sys.stdin:
    interface, function, argument = json.loads(line)
    print(json.dumps(to_json(call(interface, function, from_json(argument)))), flush=True)
