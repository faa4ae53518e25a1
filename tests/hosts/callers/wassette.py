"""Calls the component's tool through Wassette: python wassette.py COMPONENT-FOLDER"""

import base64
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/hosts/wassette"))
from call import TOOL, Server


def from_json(value):
    """Wassette has bytes as a list of numbers."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"base64"}:
        return list(base64.b64decode(value["base64"]))
    return {name: from_json(item) for name, item in value.items()}


def to_json(value, name=None):
    if isinstance(value, list):
        if name in ("bytes", "content"):
            return {"base64": base64.b64encode(bytes(value)).decode()}
        return [to_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "tag" in value:
        return {value["tag"]: to_json(value["val"])} if "val" in value else value["tag"]
    return {name: to_json(item, name) for name, item in value.items()}


def call_all(server, requests):
    """Sends all requests before it receives a result."""
    numbers = range(2, 2 + len(requests))
    for number, request in zip(numbers, requests):
        server.send(id=number, method="tools/call", params={"name": TOOL, "arguments": {"request": request}})
    results = {}
    while len(results) < len(requests):
        message = server.receive(lambda message: message.get("id") in numbers and "method" not in message)
        results[message["id"]] = message["result"]["structuredContent"]["result"]
    return [results[number] for number in numbers]


server = Server(sys.argv[1])
for line in sys.stdin:
    _interface, _function, arguments = json.loads(line)
    requests = [from_json(argument) for argument in arguments]
    # A single call waits until the component is loaded.
    results = [server.call(TOOL, request=requests[0])] if len(requests) == 1 else call_all(server, requests)
    print(json.dumps([to_json(result) for result in results]), flush=True)
server.process.kill()
