"""The component's requests and reports, and the JSON of the sidecar's HTTP API. Pure."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from wasmtime.component import Variant

VERSION = "0.1.0"
_PHASES = ("queued", "scheduled", "pulled", "started", "finished", "answered")


def request_body(request: Any, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The body for a request that the component has checked, with the files that did not go through it."""
    body: dict[str, Any] = _to_json(request)
    body["env"] = {variable["name"]: variable["value"] for variable in body.get("env", [])}
    body["labels"] = {label["key"]: label["value"] for label in body.get("labels", [])}
    body["files"] = [{"path": path, "content": _to_json(content)} for path, content in files.items()]
    return body


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name.replace("-", "_"): _to_json(item) for name, item in vars(value).items() if item is not None}
    return value


def report(outcome: dict[str, Any]) -> tuple[SimpleNamespace, dict[str, bytes]]:
    """The report for the component, and the files beside it; KeyError, TypeError or ValueError where it is no outcome."""
    status = outcome["status"]
    made = SimpleNamespace(
        id=outcome["id"],
        status=Variant(*next(iter(status.items()))) if isinstance(status, dict) else Variant(status),
        stdout=_capture(outcome["stdout"]),
        stderr=_capture(outcome["stderr"]),
        files=[],
        skipped=[SimpleNamespace(path=file["path"], reason=file["reason"]) for file in outcome["skipped"]],
        timings=SimpleNamespace(**{phase: outcome["timings_ms"].get(phase) for phase in _PHASES}),
        warm=outcome["warm"],
    )
    return made, {file["path"]: _exact(file["content"]) for file in outcome["files"]}


def _capture(output: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(bytes=_exact(output["content"]), length=output["length"], cut=output.get("cut"))


def _exact(content: str | dict[str, str]) -> bytes:
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"], validate=True)
