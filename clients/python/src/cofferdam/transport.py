"""Connections to a sidecar: the only place with input and output over the network."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

import httpx

from .address import Address
from .calls import EVENTS, JSON, Call
from .errors import UnreachableError, from_response
from .events import EventDecoder, incomplete

T = TypeVar("T")
_CONNECT_SECONDS = 10
_RESPONSE_SECONDS = 60
_SHORT = httpx.Timeout(_RESPONSE_SECONDS, connect=_CONNECT_SECONDS, pool=None)
# The sidecar bounds how long a program, or a call on files, takes.
_PATIENT = httpx.Timeout(None, connect=_CONNECT_SECONDS)


def _options(address: Address) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    # A proxy of the environment is not for the sidecar.
    return {"base_url": address.url, "headers": headers, "trust_env": False}


def _transport_options(address: Address) -> dict[str, Any]:
    verify = _tls() if address.url.startswith("https:") else False
    return {"uds": address.socket, "verify": verify, "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20)}


@functools.cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates of this machine. Reading them takes longer than a call."""
    return ssl.create_default_context()


def _request_options(call: Call[Any]) -> dict[str, Any]:
    headers = {"Accept": JSON, **({"Content-Type": JSON} if call.content is not None else {}), **call.headers}
    return {"content": call.content, "headers": headers, "timeout": _PATIENT if call.patient else _SHORT}


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turns errors of the connection into those of this package."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        detail = f"the sidecar cannot be reached: {error}; start it, or correct the address"
        raise UnreachableError(detail, retryable=True) from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise UnreachableError(
            f"the connection to the sidecar ended early ({reason}); whether the call was done is unknown"
        ) from error


class Transport:
    """Connections of a sync client."""

    def __init__(self, address: Address) -> None:
        """Connects to nothing yet."""
        self._http = httpx.Client(transport=httpx.HTTPTransport(**_transport_options(address)), **_options(address))

    def close(self) -> None:
        """Closes all connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Sends a call and reads its result."""
        with _errors():
            response = self._http.request(call.method, call.path, **_request_options(call))
        if not response.is_success:
            raise from_response(response.status_code, response.content)
        return call.read(response.status_code, response.content)

    def upload(self, path: str, media_type: str, body: Iterable[bytes]) -> None:
        """Sends a body in parts."""
        with _errors():
            response = self._http.put(path, content=body, headers={"Content-Type": media_type}, timeout=_PATIENT)
        if not response.is_success:
            raise from_response(response.status_code, response.content)

    def download(self, path: str, media_type: str) -> Generator[bytes, None, None]:
        """The body of a response, as it comes. Ending the iterator disconnects."""
        with _errors(), self._http.stream("GET", path, headers={"Accept": media_type}, timeout=_PATIENT) as response:
            if not response.is_success:
                raise from_response(response.status_code, response.read())
            yield from response.iter_bytes()

    def events(self, path: str, parse: Callable[[Any], T | None], last: type[Any] | None) -> Generator[T, None, None]:
        """The events of a response until the `last` one. Ending the iterator disconnects."""
        decoder = EventDecoder()
        with contextlib.closing(self.download(path, EVENTS)) as chunks:
            for chunk in chunks:
                for data in decoder.push(chunk):
                    if (event := parse(data)) is not None:
                        yield event
                        if last is not None and isinstance(event, last):
                            return
        raise incomplete()


class AsyncTransport:
    """Connections of an async client."""

    def __init__(self, address: Address) -> None:
        """Connects to nothing yet."""
        transport = httpx.AsyncHTTPTransport(**_transport_options(address))
        self._http = httpx.AsyncClient(transport=transport, **_options(address))

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Sends a call and reads its result."""
        with _errors():
            response = await self._http.request(call.method, call.path, **_request_options(call))
        if not response.is_success:
            raise from_response(response.status_code, response.content)
        return call.read(response.status_code, response.content)

    async def upload(self, path: str, media_type: str, body: AsyncIterable[bytes]) -> None:
        """Sends a body in parts."""
        with _errors():
            response = await self._http.put(path, content=body, headers={"Content-Type": media_type}, timeout=_PATIENT)
        if not response.is_success:
            raise from_response(response.status_code, response.content)

    async def download(self, path: str, media_type: str) -> AsyncGenerator[bytes, None]:
        """The body of a response, as it comes. Closing the iterator disconnects."""
        headers = {"Accept": media_type}
        with _errors():
            async with self._http.stream("GET", path, headers=headers, timeout=_PATIENT) as response:
                if not response.is_success:
                    raise from_response(response.status_code, await response.aread())
                async for chunk in response.aiter_bytes():
                    yield chunk

    async def events(self, path: str, parse: Callable[[Any], T | None], last: type[Any] | None) -> AsyncGenerator[T, None]:
        """The events of a response until the `last` one. Closing the iterator disconnects."""
        decoder = EventDecoder()
        async with contextlib.aclosing(self.download(path, EVENTS)) as chunks:
            async for chunk in chunks:
                for data in decoder.push(chunk):
                    if (event := parse(data)) is not None:
                        yield event
                        if last is not None and isinstance(event, last):
                            return
        raise incomplete()
