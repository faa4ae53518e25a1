"""The sync client: sessions and their executions."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from . import calls
from .address import resolve
from .calls import ExecutionOptions, SessionOptions, StartOptions
from .errors import GoneError, NotFoundError
from .events import Ended, ExecutionEvent, execution_event
from .files import Files
from .models import Execution, ExecutionEnd, ExecutionInfo, SessionInfo, Usage
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Client:
    """A client of a sidecar. Thread-safe. Close it, or use it as a context manager."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        """Connects to nothing yet. The defaults are COFFERDAM_URL and COFFERDAM_TOKEN. Raises ValueError for no address."""
        self._transport = Transport(resolve(url, token))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the connections."""
        self.close()

    def close(self) -> None:
        """Closes the connections. Sessions go on."""
        self._transport.close()

    def create_session(self, *, idempotency_key: str | None = None, **options: Unpack[SessionOptions]) -> Session:
        """Creates a session, or returns the caller's session with this name."""
        return Session(self._transport, self._transport.send(calls.create_session(options, idempotency_key)))

    def session(self, id: str) -> Session:
        """One of the caller's sessions."""
        return Session(self._transport, self._transport.send(calls.get_session(id)))

    def sessions(self, metadata: Mapping[str, str] | None = None) -> list[Session]:
        """The caller's sessions that have all of this metadata, sorted by their creation."""
        found = self._transport.send(calls.list_sessions(metadata or {}))
        return [Session(self._transport, info) for info in found]


class Session:
    """A sandbox that is kept. As a context manager it is closed at the end."""

    def __init__(self, transport: Transport, info: SessionInfo) -> None:
        """A session that exists; see `Client.create_session`."""
        self._transport = transport
        self.id = info.id
        self.info = info
        """Its state when it was last read."""
        self.files = Files(transport, info.id)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it, unless it has ended."""
        with contextlib.suppress(GoneError, NotFoundError):
            self.close()

    def close(self) -> None:
        """Closes it: its processes are killed, and its files are deleted."""
        self._transport.send(calls.close(self.id))

    def refresh(self) -> SessionInfo:
        """Reads its state."""
        self.info = self._transport.send(calls.get_session(self.id))
        return self.info

    def update(
        self, timeout: float | None = None, idle_timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> SessionInfo:
        """Moves its end, in seconds from now; sets its idle timeout, in seconds; or replaces its metadata."""
        self.info = self._transport.send(calls.update(self.id, timeout, idle_timeout, metadata))
        return self.info

    def usage(self) -> Usage:
        """What it uses now."""
        return self._transport.send(calls.usage(self.id))

    def run(
        self, code: str, args: Sequence[str] = (), *, language: str | None = None, **options: Unpack[ExecutionOptions]
    ) -> Execution:
        """Executes code to its end."""
        return self._transport.send(calls.execute(self.id, calls.code(code, language, args), options))

    def exec(self, command: Sequence[str], **options: Unpack[ExecutionOptions]) -> Execution:
        """Executes a program with its arguments to its end."""
        return self._transport.send(calls.execute(self.id, calls.arguments(command), options))

    def shell(self, command: str, **options: Unpack[ExecutionOptions]) -> Execution:
        """Executes a command line of a shell to its end."""
        return self._transport.send(calls.execute(self.id, calls.shell(command), options))

    def start(self, command: str | Sequence[str], **options: Unpack[StartOptions]) -> Process:
        """Starts a program in the background: a command line of a shell, or a program with its arguments."""
        info = self._transport.send(calls.start(self.id, calls.program(command), options))
        return Process(self._transport, self.id, info.id)

    def process(self, id: str) -> Process:
        """The execution with this id, from whichever client it was started. Sends nothing."""
        return Process(self._transport, self.id, id)

    def executions(self) -> list[ExecutionInfo]:
        """The executions that are running, and the last ones that have ended."""
        return self._transport.send(calls.list_executions(self.id))


class Process:
    """An execution in the background. It goes on without this object."""

    def __init__(self, transport: Transport, session: str, id: str) -> None:
        """An execution that exists; see `Session.start`."""
        self._transport, self._session, self.id = transport, session, id

    def info(self) -> ExecutionInfo:
        """Its state."""
        return self._transport.send(calls.get_execution(self._session, self.id))

    def output(self, from_position: int = 0) -> Generator[ExecutionEvent, None, None]:
        """Its events from a position of its output on, until it ends. Any number of readers may follow it."""
        path = calls.output_path(self._session, self.id, from_position)
        return self._transport.events(path, execution_event, Ended)

    def wait(self) -> ExecutionEnd:
        """Waits for its end."""
        path = calls.output_path(self._session, self.id, calls.END)
        *_, last = self._transport.events(path, calls.end_of, ExecutionEnd)
        return last

    def write_stdin(self, data: bytes | str) -> None:
        """Writes to its standard input, and waits until it takes the bytes."""
        self._transport.send(calls.write_stdin(self._session, self.id, data, closes=False))

    def close_stdin(self) -> None:
        """Ends its standard input."""
        self._transport.send(calls.write_stdin(self._session, self.id, b"", closes=True))

    def signal(self, number: int) -> None:
        """Sends a signal to its first process and the process group of that."""
        self._transport.send(calls.signal(self._session, self.id, number))

    def resize(self, columns: int, rows: int) -> None:
        """Changes the size of its terminal."""
        self._transport.send(calls.resize(self._session, self.id, columns, rows))

    def kill(self) -> ExecutionInfo:
        """Kills all its processes, and waits for its end."""
        return self._transport.send(calls.kill(self._session, self.id))
