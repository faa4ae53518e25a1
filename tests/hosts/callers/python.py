"""Calls functions of a component in wasmtime for Python, as README.md of this folder describes.

python python.py bare|composed COMPONENT
"""

import base64
import json
import sys
from pathlib import Path

from wasmtime.component import Record, Variant

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/hosts/python"))


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


example, component = sys.argv[1:]
call = __import__(example).load(component)
for line in sys.stdin:
    interface, function, arguments = json.loads(line)
    results = [to_json(call(interface, function, from_json(argument))) for argument in arguments]
    print(json.dumps(results), flush=True)
