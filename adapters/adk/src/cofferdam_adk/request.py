"""google-adk's input as a request of the contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from wasmtime.component import Record

from .errors import SandboxError

if TYPE_CHECKING:
    from google.adk.agents.invocation_context import InvocationContext

_LIMITS = (
    "wall-time-ms", "startup-time-ms", "cpu-millis", "memory-bytes", "disk-bytes", "processes", "output-bytes",
    "collected-files", "collected-bytes",
)  # fmt: skip
# Bytes of a label's value, and at the most four of a character.
_LABEL = 256 // 4


def request(
    code: str,
    files: Iterable[str],
    collect: list[str],
    limits: Mapping[str, int],
    context: InvocationContext,
) -> SimpleNamespace:
    """The record for the component, with files that have no content; SandboxError for what cannot be one at all."""
    for what, text in [("the code", code), *(("the name of a file", name) for name in files)]:
        _check_text(what, text)
    return SimpleNamespace(
        code=code,
        language=None,
        args=None,
        env=None,
        stdin=None,
        files=[SimpleNamespace(path=path, content=b"") for path in files],
        collect=collect,
        limits=_limits(limits),
        network=None,
        labels=[SimpleNamespace(key=key, value=value) for key, value in _labels(context).items()],
    )


def _limits(asked: Mapping[str, int]) -> Record:
    # Behind an option, a record is told from others by this class.
    record = Record()
    vars(record).update({name: asked.get(name) for name in _LIMITS})
    return record


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise SandboxError("invalid-request", f"{what} is not a string but a {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SandboxError("invalid-request", f"{what} has a lone surrogate, which is no character") from error


def _labels(context: InvocationContext) -> dict[str, str]:
    """Whose run it is, for the sidecar's log and the cluster's annotations; contexts of tests may know less."""
    session = getattr(context, "session", None)
    known = {
        "invocation": getattr(context, "invocation_id", None),
        "agent": getattr(getattr(context, "agent", None), "name", None),
        "session": getattr(session, "id", None),
        "user": getattr(session, "user_id", None),
    }
    return {key: _label(value) for key, value in known.items() if isinstance(value, str)}


def _label(value: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in value[:_LABEL])
