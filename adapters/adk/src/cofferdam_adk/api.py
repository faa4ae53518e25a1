"""Executes a program over the HTTP API of a sidecar, with one request that is never repeated."""

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
    """The address of a sidecar."""

    scheme: str
    """`http`, `https` or `unix`."""
    host: str
    """The host, or the path of the Unix socket."""
    port: int | None = None
    path: str = ""
    """The prefix of the API's paths."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parses `http://HOST[:PORT][/PATH]`, the same with `https`, or `unix:PATH`. Raises ValueError for anything else."""
        examples = "http://127.0.0.1:8787, https://sidecar.example or unix:/run/cofferdam/cofferdam.sock"
        scheme, _, rest = text.partition(":")
        if scheme == "unix" and rest:
            return cls("unix", rest.removeprefix("//") if rest.startswith("///") else rest)
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError as error:
            raise ValueError(f"{text!r} is not the address of a sidecar, such as {examples}") from error
        extra = url.query or url.fragment or url.username or url.password
        if url.scheme not in ("http", "https") or not url.hostname or extra:
            raise ValueError(f"{text!r} is not the address of a sidecar, such as {examples}")
        return cls(url.scheme, url.hostname, port, url.path.rstrip("/"))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def execute(
    address: Address, token: str | None, body: dict[str, Any], seconds: float, cancellation: Cancellation
) -> dict[str, Any]:
    """Sends a request to a sidecar and waits up to `seconds` for the response. Raises SandboxError.

    If the caller cancels, this closes the connection, which cancels the execution.
    """
    connection = _connect(address)
    # A second reference to the socket: the response may outlive the connection's.
    sock = connection.sock
    cancellation.on_cancel(lambda: _shut_down(sock))
    try:
        sock.settimeout(seconds)
        connection.request("POST", address.path + _PATH, json.dumps(body).encode(), _headers(token))
        response = connection.getresponse()
        content = response.read()
    except TimeoutError as error:
        raise SandboxError("unreachable", f"the sidecar did not respond within {seconds:.0f} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _disconnected(cancellation) from error
    finally:
        connection.close()
    if cancellation.cancelled:
        raise _disconnected(cancellation)
    return _outcome(response, content)


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
        message = "the sidecar cannot be reached: check that it is running and that its address is right"
        raise SandboxError("unreachable", message, retryable=True) from error
    return connection


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The connection is closed already.
        return


def _headers(token: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "cofferdam-version": wire.VERSION, "connection": "close"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return headers


def _disconnected(cancellation: Cancellation) -> SandboxError:
    if cancellation.cancelled:
        return SandboxError("cancelled", "the caller cancelled the execution")
    return SandboxError("unreachable", "the sidecar disconnected; the program may have run")


def _outcome(response: http.client.HTTPResponse, content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
        if response.status == http.client.OK and isinstance(parsed, dict):
            return parsed
        if response.headers.get_content_type() == "application/problem+json":
            problem = SandboxError(
                str(parsed["code"]), str(parsed["detail"]), retryable=parsed["retryable"] is True, run_id=parsed.get("id")
            )
            raise problem
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise not_a_sidecar(response.status) from error
    raise not_a_sidecar(response.status)


def not_a_sidecar(status: int) -> SandboxError:
    """The error for a response that is not a sidecar's."""
    message = f"the server at this address is not a Cofferdam sidecar: its response has HTTP status {status}"
    return SandboxError("unreachable", message)
