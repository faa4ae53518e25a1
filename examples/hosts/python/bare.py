"""A Python host of the component.

It implements the import `sandbox` with the sidecar's HTTP API and the standard library.

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
OPTIONAL = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")
ATTEMPTS = 5
MAX_SECONDS = 60
PHASES = ("queued", "scheduled", "pulled", "started", "finished", "answered")


def run(_store, request):
    """Implements the import.

    An exception would make the instance unusable, so every failure is returned as the contract's error.
    """
    try:
        return Variant("ok", report(post(request)))
    except urllib.error.HTTPError as response:
        is_problem = response.headers.get_content_type() == "application/problem+json"
        problem = json.load(response) if is_problem else {}
        return failure(problem.get("code", "unreachable"), describe(problem) or str(response), problem)
    except (OSError, ValueError, KeyError) as error:
        # Only without a connection is it certain that the program did not start.
        was_refused = isinstance(getattr(error, "reason", None), ConnectionRefusedError)
        return failure("unreachable", f"the sidecar cannot be reached: {error}", {"retryable": was_refused})


def post(request):
    body = to_json(request)
    body["env"] = {variable["name"]: variable["value"] for variable in body.get("env", [])}
    body["labels"] = {label["key"]: label["value"] for label in body.get("labels", [])}
    url = os.environ.get("COFFERDAM_URL", "http://127.0.0.1:8787").rstrip("/") + "/v1/executions"
    headers = {"content-type": "application/json", "cofferdam-version": "0.1.0"}
    if "COFFERDAM_TOKEN" in os.environ:
        headers["authorization"] = "Bearer " + os.environ["COFFERDAM_TOKEN"]
    http_request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            # The default ceilings of startup time and wall time, and a minute for the transfer.
            with urllib.request.urlopen(http_request, timeout=4260) as response:
                return json.load(response)
        except urllib.error.HTTPError as response:
            # A sidecar at capacity has not run the program, and returns the seconds to wait before a retry.
            retry_after = response.headers.get("retry-after", "")
            if not retry_after.isdecimal() or attempts_left == 0:
                raise
            time.sleep(min(int(retry_after), MAX_SECONDS))


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
        files=[SimpleNamespace(path=file["path"], content=to_bytes(file["content"])) for file in outcome["files"]],
        skipped=[SimpleNamespace(**file) for file in outcome["skipped"]],
        timings=SimpleNamespace(**{phase: outcome["timings_ms"].get(phase) for phase in PHASES}),
        warm=outcome["warm"],
    )


def capture(output):
    return SimpleNamespace(bytes=to_bytes(output["content"]), length=output["length"], cut=output.get("cut"))


def to_bytes(content):
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"])


def describe(problem):
    """The detail of a problem. A limit above its ceiling has its name in the contract, not that of the HTTP API."""
    if exceeded := problem.get("exceeded"):
        limit = exceeded["limit"].replace("_", "-")
        return "the limit {} of {requested} is above the operator's ceiling of {ceiling}".format(limit, **exceeded)
    return problem.get("detail")


def failure(code, message, problem):
    retryable = problem.get("retryable", False)
    return Variant("err", SimpleNamespace(id=problem.get("id"), code=code, message=message, retryable=retryable))


def exit_like(status):
    """Exits with the program's exit code."""
    sys.exit(status.payload if status.tag == "exited" else f"the program did not exit normally: {status.tag}")


def load(path):
    """Instantiates the component. Returns a function that calls its exports."""
    engine = Engine()
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(SANDBOX) as sandbox:
        sandbox.add_func("run", run)

    store = Store(engine)
    instance = linker.instantiate(store, Component.from_file(engine, path))

    def call(interface, function, *args):
        interface = instance.get_export_index(store, f"cofferdam:code-executor/{interface}@0.1.0")
        return instance.get_func(store, instance.get_export_index(store, function, interface))(store, *args)

    return call


def main(path, code):
    request = SimpleNamespace(code=code, **dict.fromkeys(OPTIONAL))
    result = load(path)("code-executor", "execute", request)
    if result.tag == "err":
        sys.exit(f"{result.payload.code}: {result.payload.message}")
    sys.stdout.write(result.payload.stdout.text)
    sys.stderr.write(result.payload.stderr.text)
    exit_like(result.payload.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
