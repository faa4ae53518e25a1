"""Converts google-adk's input to a request of the contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from wasmtime.component import Record

from .errors import SandboxError

if TYPE_CHECKING:
    from google.adk.agents.invocation_context import InvocationContext

# A label's value has at most 256 bytes, and a character up to four.
_MAX_LABEL = 256 // 4


def request(
    code: str,
    files: Iterable[str],
    collect: list[str],
    limits: Mapping[str, int],
    context: InvocationContext,
) -> SimpleNamespace:
    """The record for the component, with empty files. Raises SandboxError for values of a wrong type."""
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
        limits=_Limits(limits),
        network=None,
        labels=[SimpleNamespace(key=key, value=value) for key, value in _labels(context).items()],
    )


class _Limits(Record):
    """Limits by their names in the contract; one that is not set is None.

    In an option, wasmtime recognizes a record by its class.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        vars(self).update(limits)

    def __getattr__(self, name: str) -> None:
        return None


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise SandboxError("invalid-request", f"{what} is not a string but a {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SandboxError("invalid-request", f"{what} has a lone surrogate, which is not a character") from error


def _labels(context: InvocationContext) -> dict[str, str]:
    """Labels for the sidecar's log and the Pod's annotations. A context in a test may lack some of them."""
    session = getattr(context, "session", None)
    known = {
        "invocation": getattr(context, "invocation_id", None),
        "agent": getattr(getattr(context, "agent", None), "name", None),
        "session": getattr(session, "id", None),
        "user": getattr(session, "user_id", None),
    }
    return {key: _label(value) for key, value in known.items() if isinstance(value, str)}


def _label(value: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in value[:_MAX_LABEL])
