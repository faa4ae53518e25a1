"""The exceptions of this package."""

import json
from collections.abc import Mapping
from typing import Any


class CofferdamError(Exception):
    """A call failed. A program that fails is a result, not an exception."""

    code = "internal"
    """What kind of failure it is, such as `not-found`."""

    def __init__(
        self, detail: str, *, code: str | None = None, retryable: bool = False, status: int | None = None, id: str | None = None
    ) -> None:
        """`detail` says what failed and what to do; `status` is that of HTTP, if there was a response."""
        self.code = code or self.code
        # The only argument: a copy, as of pickle, is made with it.
        super().__init__(detail)
        self.detail = detail
        """What failed and what to do."""
        self.retryable = retryable
        """Whether the program certainly did not start and a retry may succeed."""
        self.status = status
        """The status of HTTP, if there was a response."""
        self.id = id
        """The id in the operator's logs, if there is one."""

    def __str__(self) -> str:
        """What kind of failure it is, what failed and what to do."""
        return f"{self.code}: {self.detail}"


class InvalidRequestError(CofferdamError):
    """The request is malformed, or names something of the wrong kind."""

    code = "invalid-request"


class TooLargeError(CofferdamError):
    """Something exceeds a bound, such as the disk of the session."""

    code = "too-large"


class DeniedError(CofferdamError):
    """The operator does not allow this."""

    code = "denied"


class UnauthorisedError(CofferdamError):
    """The token is missing or wrong."""

    code = "unauthorised"


class QuotaError(CofferdamError):
    """A quota is reached."""

    code = "quota"


class OverloadedError(CofferdamError):
    """The sidecar has too much to do now."""

    code = "overloaded"


class NotFoundError(CofferdamError):
    """The caller has no such session, or it has no such execution or file."""

    code = "not-found"


class ConflictError(CofferdamError):
    """The state does not allow this: an id in use, a process that has ended, a closed standard input."""

    code = "conflict"


class GoneError(CofferdamError):
    """The session has ended: closed, expired, idle or lost."""

    code = "gone"


class UnreachableError(CofferdamError):
    """There is no connection to the sidecar, or it ended before the response was complete."""

    code = "unreachable"


_CLASSES: dict[str, type[CofferdamError]] = {kind.code: kind for kind in CofferdamError.__subclasses__()}


def from_problem(problem: Mapping[str, Any]) -> CofferdamError:
    """The exception for a problem (RFC 9457) of the sidecar."""
    code = str(problem["code"])
    return _CLASSES.get(code, CofferdamError)(
        str(problem["detail"]),
        code=code,
        retryable=problem["retryable"] is True,
        status=problem.get("status"),
        id=problem.get("id"),
    )


def from_response(status: int, body: bytes) -> CofferdamError:
    """The exception for a response that is an error, or that is not what the sidecar sends."""
    try:
        error = from_problem(json.loads(body))
    except (ValueError, KeyError, TypeError):
        if status in (401, 403):
            return UnauthorisedError("the server refused the request; check the token in COFFERDAM_TOKEN", status=status)
        detail = f"the response, with HTTP status {status}, is not one of a sidecar; check the address"
        return UnreachableError(detail, status=status)
    error.status = status
    return error
