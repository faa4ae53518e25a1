"""A Python host of the component alone: it supplies the sandbox, here by the sidecar's HTTP API and the standard library.

COFFERDAM_URL=http://127.0.0.1:8787 python bare.py code-executor.wasm 'print(6*7)'
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, Variant

SANDBOX = "cofferdam:code-executor/sandbox@0.1.0"
INTERFACE = "cofferdam:code-executor/code-executor@0.1.0"
OPTIONAL = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")
ATTEMPTS = 5
PHASES = ("queued", "scheduled", "pulled", "started", "finished", "answered")


def run(_store, request):
    """The import: an exception would make the instance useless, so every failure is an error of the contract."""
    try:
        return Variant("ok", report(post(request)))
    except urllib.error.HTTPError as answer:
        problem = json.load(answer) if answer.headers.get_content_type() == "application/problem+json" else {}
        return failure(problem.get("code", "unreachable"), problem.get("detail", str(answer)), problem)
    except (OSError, ValueError, KeyError) as error:
        return failure("unreachable", f"the sidecar cannot be reached: {error}", {})


def post(request):
    body = to_json(request)
    body["env"] = {variable["name"]: variable["value"] for variable in body.get("env", [])}
    body["labels"] = {label["key"]: label["value"] for label in body.get("labels", [])}
    url = os.environ.get("COFFERDAM_URL", "http://127.0.0.1:8787") + "/v1/executions"
    headers = {"content-type": "application/json", "cofferdam-version": "0.1.0"}
    if "COFFERDAM_TOKEN" in os.environ:
        headers["authorization"] = "Bearer " + os.environ["COFFERDAM_TOKEN"]
    sent = urllib.request.Request(url, json.dumps(body).encode(), headers)
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            # The longest that the operator's default ceilings allow a run to take, and some.
            with urllib.request.urlopen(sent, timeout=4260) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as answer:
            # A sidecar that has enough to do has run nothing, and says when to ask again, in seconds.
            wait = answer.headers.get("retry-after", "")
            if not wait.isdecimal() or attempts_left == 0:
                raise
            time.sleep(int(wait))


def to_json(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name.replace("-", "_"): to_json(item) for name, item in vars(value).items() if item is not None}
    return value


def report(outcome):
    status = outcome["status"]
    return SimpleNamespace(
        id=outcome["id"],
        status=Variant(*next(iter(status.items()))) if isinstance(status, dict) else Variant(status),
        stdout=capture(outcome["stdout"]),
        stderr=capture(outcome["stderr"]),
        files=[SimpleNamespace(path=file["path"], content=exact(file["content"])) for file in outcome["files"]],
        skipped=[SimpleNamespace(**file) for file in outcome["skipped"]],
        timings=SimpleNamespace(**{phase: outcome["timings_ms"].get(phase) for phase in PHASES}),
        warm=outcome["warm"],
    )


def capture(output):
    return SimpleNamespace(bytes=exact(output["content"]), length=output["length"], cut=output.get("cut"))


def exact(content):
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"])


def failure(code, message, problem):
    retryable = problem.get("retryable", False)
    return Variant("err", SimpleNamespace(id=problem.get("id"), code=code, message=message, retryable=retryable))


def end(status):
    """Ends as the program did."""
    sys.exit(status.payload if status.tag == "exited" else f"the program ended otherwise: {status.tag}")


def main(path, code):
    engine = Engine()
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(SANDBOX) as sandbox:
        sandbox.add_func("run", run)

    store = Store(engine)
    instance = linker.instantiate(store, Component.from_file(engine, path))
    interface = instance.get_export_index(store, INTERFACE)
    execute = instance.get_func(store, instance.get_export_index(store, "execute", interface))

    result = execute(store, SimpleNamespace(code=code, **dict.fromkeys(OPTIONAL)))
    if result.tag == "err":
        sys.exit(f"{result.payload.code}: {result.payload.message}")
    sys.stdout.write(result.payload.stdout.text)
    sys.stderr.write(result.payload.stderr.text)
    end(result.payload.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
