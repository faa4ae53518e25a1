"""The async client: sessions and their executions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING

from . import calls
from .address import resolve
from .async_files import AsyncFiles
from .calls import ExecutionOptions, SessionOptions, StartOptions
from .errors import GoneError, NotFoundError
from .events import Ended, ExecutionEvent, execution_event
from .models import Execution, ExecutionEnd, ExecutionInfo, SessionInfo, Usage
from .transport import AsyncTransport

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class AsyncClient:
    """A client of a sidecar. For asyncio. Close it, or use it as a context manager."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        """Connects to nothing yet. The defaults are COFFERDAM_URL and COFFERDAM_TOKEN. Raises ValueError for no address."""
        self._transport = AsyncTransport(resolve(url, token))

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the connections."""
        await self.close()

    async def close(self) -> None:
        """Closes the connections. Sessions go on."""
        await self._transport.close()

    async def create_session(self, *, idempotency_key: str | None = None, **options: Unpack[SessionOptions]) -> AsyncSession:
        """Creates a session, or returns the caller's session with this name."""
        return AsyncSession(self._transport, await self._transport.send(calls.create_session(options, idempotency_key)))

    async def session(self, id: str) -> AsyncSession:
        """One of the caller's sessions."""
        return AsyncSession(self._transport, await self._transport.send(calls.get_session(id)))

    async def sessions(self, metadata: Mapping[str, str] | None = None) -> list[AsyncSession]:
        """The caller's sessions that have all of this metadata, sorted by their creation."""
        found = await self._transport.send(calls.list_sessions(metadata or {}))
        return [AsyncSession(self._transport, info) for info in found]


class AsyncSession:
    """A sandbox that is kept. As a context manager it is closed at the end."""

    def __init__(self, transport: AsyncTransport, info: SessionInfo) -> None:
        """A session that exists; see `AsyncClient.create_session`."""
        self._transport = transport
        self.id = info.id
        self.info = info
        """Its state when it was last read."""
        self.files = AsyncFiles(transport, info.id)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it, unless it has ended."""
        with contextlib.suppress(GoneError, NotFoundError):
            await self.close()

    async def close(self) -> None:
        """Closes it: its processes are killed, and its files are deleted."""
        await self._transport.send(calls.close(self.id))

    async def refresh(self) -> SessionInfo:
        """Reads its state."""
        self.info = await self._transport.send(calls.get_session(self.id))
        return self.info

    async def update(
        self, timeout: float | None = None, idle_timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> SessionInfo:
        """Moves its end, in seconds from now; sets its idle timeout, in seconds; or replaces its metadata."""
        self.info = await self._transport.send(calls.update(self.id, timeout, idle_timeout, metadata))
        return self.info

    async def usage(self) -> Usage:
        """What it uses now."""
        return await self._transport.send(calls.usage(self.id))

    async def run(
        self, code: str, args: Sequence[str] = (), *, language: str | None = None, **options: Unpack[ExecutionOptions]
    ) -> Execution:
        """Executes code to its end."""
        return await self._transport.send(calls.execute(self.id, calls.code(code, language, args), options))

    async def exec(self, command: Sequence[str], **options: Unpack[ExecutionOptions]) -> Execution:
        """Executes a program with its arguments to its end."""
        return await self._transport.send(calls.execute(self.id, calls.arguments(command), options))

    async def shell(self, command: str, **options: Unpack[ExecutionOptions]) -> Execution:
        """Executes a command line of a shell to its end."""
        return await self._transport.send(calls.execute(self.id, calls.shell(command), options))

    async def start(self, command: str | Sequence[str], **options: Unpack[StartOptions]) -> AsyncProcess:
        """Starts a program in the background: a command line of a shell, or a program with its arguments."""
        info = await self._transport.send(calls.start(self.id, calls.program(command), options))
        return AsyncProcess(self._transport, self.id, info.id)

    def process(self, id: str) -> AsyncProcess:
        """The execution with this id, from whichever client it was started. Sends nothing."""
        return AsyncProcess(self._transport, self.id, id)

    async def executions(self) -> list[ExecutionInfo]:
        """The executions that are running, and the last ones that have ended."""
        return await self._transport.send(calls.list_executions(self.id))


class AsyncProcess:
    """An execution in the background. It goes on without this object."""

    def __init__(self, transport: AsyncTransport, session: str, id: str) -> None:
        """An execution that exists; see `AsyncSession.start`."""
        self._transport, self._session, self.id = transport, session, id

    async def info(self) -> ExecutionInfo:
        """Its state."""
        return await self._transport.send(calls.get_execution(self._session, self.id))

    def output(self, from_position: int = 0) -> AsyncGenerator[ExecutionEvent, None]:
        """Its events from a position of its output on, until it ends. Any number of readers may follow it."""
        path = calls.output_path(self._session, self.id, from_position)
        return self._transport.events(path, execution_event, Ended)

    async def wait(self) -> ExecutionEnd:
        """Waits for its end."""
        path = calls.output_path(self._session, self.id, calls.END)
        return [end async for end in self._transport.events(path, calls.end_of, ExecutionEnd)][-1]

    async def write_stdin(self, data: bytes | str) -> None:
        """Writes to its standard input, and waits until it takes the bytes."""
        await self._transport.send(calls.write_stdin(self._session, self.id, data, closes=False))

    async def close_stdin(self) -> None:
        """Ends its standard input."""
        await self._transport.send(calls.write_stdin(self._session, self.id, b"", closes=True))

    async def signal(self, number: int) -> None:
        """Sends a signal to its first process and the process group of that."""
        await self._transport.send(calls.signal(self._session, self.id, number))

    async def resize(self, columns: int, rows: int) -> None:
        """Changes the size of its terminal."""
        await self._transport.send(calls.resize(self._session, self.id, columns, rows))

    async def kill(self) -> ExecutionInfo:
        """Kills all its processes, and waits for its end."""
        return await self._transport.send(calls.kill(self._session, self.id))
