"""An environment for google-adk that is a session of a sidecar. `docs/adk.md` describes it. Needs the package google-adk."""

from __future__ import annotations

import contextlib
import errno
import math
import os
from collections.abc import AsyncGenerator
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from google.adk.environment import BaseEnvironment, ExecutionResult

from .address import resolve
from .async_client import AsyncClient, AsyncSession
from .calls import ExecutionLimits, SessionOptions
from .errors import GoneError, NotFoundError
from .models import SessionInfo

if TYPE_CHECKING:
    from typing_extensions import Unpack

_REASONS = {
    "out-of-memory": "killed: memory limit exceeded",
    "out-of-disk": "failed after the disk limit was reached",
    "out-of-processes": "killed: limit of processes and threads exceeded",
}


class CofferdamEnvironment(BaseEnvironment):
    """A workspace in a gVisor sandbox: the files and background processes of one session, which `initialize` opens.

    A command that fails, or takes too long, is a result. A call that fails raises CofferdamError. That is GoneError if the
    session has ended; `initialize` then opens another one, which has none of its files. May be used on several event loops.
    """

    def __init__(self, url: str | None = None, token: str | None = None, **options: Unpack[SessionOptions]) -> None:
        """Connects to nothing yet. The defaults are COFFERDAM_URL and COFFERDAM_TOKEN. Raises ValueError for no address.

        The options are those of `AsyncClient.create_session`. With a `name`, a session that goes on is used again.
        """
        resolve(url, token)
        self._url, self._token, self._options = url, token, options
        self._info: SessionInfo | None = None

    @property
    def session_id(self) -> str:
        """The id of the session. Raises RuntimeError before `initialize`."""
        return self._session_info().id

    @property
    def working_dir(self) -> Path:
        """The directory in the sandbox in which commands start. Raises RuntimeError before `initialize`."""
        return Path(self._session_info().working_dir)

    async def initialize(self) -> None:
        """Opens a session. Does nothing if there is one that has not been found ended."""
        if self.is_initialized:
            return
        async with self._client() as client, contextlib.AsyncExitStack() as undo:
            session = await client.create_session(**self._options)
            if "name" not in self._options:
                await undo.enter_async_context(session)
            # If another call was faster, this session is closed.
            if not self.is_initialized:
                self._info, self.is_initialized = session.info, True
                undo.pop_all()

    async def close(self) -> None:
        """Closes the session, if there is one: its processes are killed, and its files are deleted."""
        if self._info is None:
            return
        async with self._client() as client:
            # Not found, or gone: it has ended.
            with contextlib.suppress(NotFoundError, GoneError):
                await (await client.session(self._info.id)).close()
        self._info, self.is_initialized = None, False

    async def execute(self, command: str, *, timeout: float | None = None) -> ExecutionResult:
        """Executes a command line of a shell. What it leaves running in the background goes on.

        `timeout` is in seconds, up to the operator's ceiling; None: the session's wall time. Cancelling kills the command.
        """
        limits: ExecutionLimits = {} if timeout is None else {"wall_time_ms": max(1, math.ceil(timeout * 1000))}
        async with self._session() as session:
            result = await session.shell(command, keeps_background=True, limits=limits)
        stderr, reason = result.error_text, _REASONS.get(result.status.kind)
        if reason is not None:
            # google-adk's result has no other place for it.
            stderr += f"\n[{reason}]\n" if stderr and not stderr.endswith("\n") else f"[{reason}]\n"
        return ExecutionResult(result.exit_code, result.text, stderr, result.status.kind == "timed-out")

    async def read_file(self, path: str | os.PathLike[str]) -> bytes:
        """Reads a file. Raises FileNotFoundError if there is none. A path is relative to the working directory, or absolute."""
        async with self._session() as session:
            try:
                return await session.files.read(self._path(path))
            except NotFoundError as error:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path)) from error

    async def write_file(self, path: str | os.PathLike[str], content: str | bytes) -> None:
        """Writes a file in one step, and makes missing directories above it. An existing file keeps its permissions."""
        async with self._session() as session:
            await session.files.write(self._path(path), content)

    def _client(self) -> AsyncClient:
        return AsyncClient(self._url, self._token)

    def _session_info(self) -> SessionInfo:
        if self._info is None:
            raise RuntimeError("the environment has no session; call initialize first")
        return self._info

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncGenerator[AsyncSession, None]:
        """The session. The connections are new, as google-adk may use another event loop for each message."""
        info = self._session_info()
        try:
            async with self._client() as client:
                try:
                    session = await client.session(info.id)
                except NotFoundError as error:
                    raise GoneError(f"the sidecar has no session `{info.id}` any longer; open another one") from error
                yield session
        except GoneError:
            if self._info is info:
                self.is_initialized = False
            raise

    def _path(self, path: str | os.PathLike[str]) -> PurePosixPath:
        text = path.as_posix() if isinstance(path, PurePath) else os.fspath(path)
        return PurePosixPath(self._session_info().working_dir) / text
