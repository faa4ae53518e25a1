"""Converts between the component's records and the JSON of the sidecar's HTTP API. Pure."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from wasmtime.component import Variant

VERSION = "0.1.0"


def request_body(request: Any, files: Mapping[str, bytes], image: str | None) -> dict[str, Any]:
    """The body of a request that the component has validated, with what bypasses the component: the files, and the image,
    which is not in the contract."""
    body: dict[str, Any] = _to_json(request)
    body["env"] = {variable["name"]: variable["value"] for variable in body.get("env", [])}
    body["labels"] = {label["key"]: label["value"] for label in body.get("labels", [])}
    body["files"] = [{"path": path, "content": _to_json(content)} for path, content in files.items()]
    if image is not None:
        body["image"] = image
    return body


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name.replace("-", "_"): _to_json(item) for name, item in vars(value).items() if item is not None}
    return value


def report(outcome: object) -> tuple[SimpleNamespace, dict[str, bytes]]:
    """The report for the component, and the returned files. Raises ValueError for a value that is not an outcome."""
    parsed = _Outcome.model_validate(outcome)
    status = parsed.status
    made = SimpleNamespace(
        id=parsed.id,
        status=Variant(status) if isinstance(status, str) else Variant(*next(iter(status.items()))),
        stdout=_capture(parsed.stdout),
        stderr=_capture(parsed.stderr),
        files=[],
        skipped=parsed.skipped,
        timings=parsed.timings_ms,
        warm=parsed.warm,
    )
    return made, {file.path: _exact(file.content) for file in parsed.files}


def _capture(output: "_Output") -> SimpleNamespace:
    return SimpleNamespace(bytes=_exact(output.content), length=output.length, cut=output.cut)


def _exact(content: "str | _Base64") -> bytes:
    return content.encode() if isinstance(content, str) else base64.b64decode(content.base64, validate=True)


_U8 = Annotated[int, Field(ge=0, lt=2**8)]
_U64 = Annotated[int, Field(ge=0, lt=2**64)]
_Simple = Literal["timed-out", "out-of-memory", "out-of-processes", "cancelled"]
_WithNumber = Annotated[dict[Literal["exited", "killed", "out-of-disk"], _U8], Field(min_length=1, max_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)


class _Base64(_Model):
    base64: str


class _Output(_Model):
    content: str | _Base64
    length: _U64
    cut: _U64 | None = None


class _File(_Model):
    path: str
    content: str | _Base64


class _Skipped(_Model):
    path: str
    reason: str


class _Timings(_Model):
    queued: _U64 | None = None
    scheduled: _U64 | None = None
    pulled: _U64 | None = None
    started: _U64 | None = None
    finished: _U64 | None = None
    answered: _U64


class _Outcome(_Model):
    id: str
    status: _Simple | _WithNumber
    stdout: _Output
    stderr: _Output
    files: list[_File]
    skipped: list[_Skipped]
    timings_ms: _Timings
    warm: bool
