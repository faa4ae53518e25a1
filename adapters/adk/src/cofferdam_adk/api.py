"""A run over the HTTP API of a sidecar: one request that is never sent again."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import wire
from .cancellation import Cancellation
from .errors import SandboxError

_CONNECT_SECONDS = 10
_PATH = "/v1/executions"


@dataclass(frozen=True)
class Address:
    """Where a sidecar is reached."""

    scheme: str
    """`http`, `https` or `unix`."""
    host: str
    """The host, or the path of the Unix socket."""
    port: int | None = None
    path: str = ""
    """What stands before the API's own paths."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads `http://HOST[:PORT][/PATH]`, the same with `https`, or `unix:PATH`; raises ValueError for all else."""
        wanted = "http://127.0.0.1:8787, https://sidecar.example or unix:/run/cofferdam/cofferdam.sock"
        scheme, _, rest = text.partition(":")
        if scheme == "unix" and rest:
            return cls("unix", rest.removeprefix("//") if rest.startswith("///") else rest)
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError as error:
            raise ValueError(f"{text!r} is not the address of a sidecar, such as {wanted}") from error
        extra = url.query or url.fragment or url.username or url.password
        if url.scheme not in ("http", "https") or not url.hostname or extra:
            raise ValueError(f"{text!r} is not the address of a sidecar, such as {wanted}")
        return cls(url.scheme, url.hostname, port, url.path.rstrip("/"))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def run(
    address: Address, token: str | None, body: dict[str, Any], seconds: float, cancellation: Cancellation
) -> dict[str, Any]:
    """Has a sidecar run a program and waits for its answer, `seconds` at the most; raises SandboxError.

    Where the caller gives up, the connection is ended, which is what cancels a run.
    """
    connection = _connect(address)
    # Its own reference: what is read may outlive the connection's.
    sock = connection.sock
    cancellation.listen(lambda: _shut_down(sock))
    try:
        sock.settimeout(seconds)
        connection.request("POST", address.path + _PATH, json.dumps(body).encode(), _headers(token))
        answer = connection.getresponse()
        content = answer.read()
    except TimeoutError as error:
        raise SandboxError("unreachable", f"the sidecar has not answered for {seconds:.0f} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _gone(cancellation) from error
    finally:
        connection.close()
    if cancellation.given_up:
        raise _gone(cancellation)
    return _outcome(answer, content)


def _connect(address: Address) -> http.client.HTTPConnection:
    connection: http.client.HTTPConnection
    if address.scheme == "unix":
        connection = _UnixConnection(address.host, _CONNECT_SECONDS)
    elif address.scheme == "http":
        connection = http.client.HTTPConnection(address.host, address.port, timeout=_CONNECT_SECONDS)
    else:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(address.host, address.port, timeout=_CONNECT_SECONDS, context=context)
    try:
        connection.connect()
    except OSError as error:
        connection.close()
        message = "the sidecar cannot be reached: is it running, and is its address right?"
        raise SandboxError("unreachable", message, retryable=True) from error
    return connection


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself.
        return


def _headers(token: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "cofferdam-version": wire.VERSION, "connection": "close"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return headers


def _gone(cancellation: Cancellation) -> SandboxError:
    if cancellation.given_up:
        return SandboxError("cancelled", "the caller gave up")
    return SandboxError("unreachable", "the sidecar went away while the program may have run")


def _outcome(answer: http.client.HTTPResponse, content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
        if answer.status == http.client.OK and isinstance(parsed, dict):
            return parsed
        if answer.headers.get_content_type() == "application/problem+json":
            problem = SandboxError(
                str(parsed["code"]), str(parsed["detail"]), retryable=parsed["retryable"] is True, run_id=parsed.get("id")
            )
            raise problem
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_sidecar(answer.status) from error
    raise no_sidecar(answer.status)


def no_sidecar(status: int) -> SandboxError:
    """The error for an answer that no sidecar gives."""
    return SandboxError("unreachable", f"what answers there, with HTTP status {status}, is no sidecar of Cofferdam's")
