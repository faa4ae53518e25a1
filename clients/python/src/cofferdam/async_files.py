"""The files of a session, for the async client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from pathlib import Path

from . import file_calls, trees
from .calls import OCTETS, TAR
from .events import WatchEvent, watch_event
from .file_calls import Content, SandboxPath, files_path
from .models import FileEntry
from .transport import AsyncTransport


class AsyncFiles:
    """The files of a session. A path is relative to `/work`, or absolute."""

    def __init__(self, transport: AsyncTransport, session: str) -> None:
        """The files of the session with this id."""
        self._transport, self._session = transport, session

    async def read(self, path: SandboxPath) -> bytes:
        """The content of a regular file."""
        return b"".join([chunk async for chunk in self.stream(path)])

    def stream(self, path: SandboxPath) -> AsyncGenerator[bytes, None]:
        """The content of a regular file, in parts."""
        return self._transport.download(files_path(self._session, "", path), OCTETS)

    async def write(self, path: SandboxPath, content: Content | AsyncIterable[bytes], mode: int | None = None) -> None:
        """Writes a regular file: bytes, text, what a binary file has, or parts. Until it returns, the old content stays."""
        await self._transport.upload(file_calls.write_path(self._session, path, mode), OCTETS, _chunks(content))

    async def stat(self, path: SandboxPath) -> FileEntry:
        """What has a path. A symbolic link is not followed."""
        return await self._transport.send(file_calls.stat(self._session, path))

    async def list(self, path: SandboxPath = ".", depth: int = 1) -> Sequence[FileEntry]:
        """The entries of a directory, in no particular order, with paths relative to it."""
        return await self._transport.send(file_calls.list_directory(self._session, path, depth))

    async def make_directory(self, path: SandboxPath, mode: int | None = None) -> None:
        """Makes a directory, and missing ones above it. One that exists stays as it is."""
        await self._transport.send(file_calls.make_directory(self._session, path, mode))

    async def move(self, source: SandboxPath, target: SandboxPath) -> None:
        """Moves a file or a directory, and replaces a file. Between file systems, only files and links are moved."""
        await self._transport.send(file_calls.move(self._session, source, target))

    async def remove(self, path: SandboxPath) -> None:
        """Removes a file, or a directory with everything in it."""
        await self._transport.send(file_calls.remove(self._session, path))

    async def read_tree(self, path: SandboxPath, directory: str | os.PathLike[str]) -> tuple[str, ...]:
        """Reads a directory with everything in it into a new or empty one of this machine.

        Returns the symbolic links that are left out, since they could lead out of it. Raises ValueError if the directory of
        this machine has entries.
        """
        chunks = self._transport.download(files_path(self._session, "/tar", path), TAR)
        async with contextlib.aclosing(chunks):
            with tempfile.TemporaryFile() as archive:
                async for chunk in chunks:
                    archive.write(chunk)
                return await asyncio.to_thread(trees.unpack, archive, Path(directory))

    async def write_tree(self, path: SandboxPath, directory: str | os.PathLike[str]) -> None:
        """Writes what is in a directory of this machine into one of the sandbox, which is made."""
        with tempfile.TemporaryFile() as archive:
            await asyncio.to_thread(trees.pack, Path(directory), archive)
            await self._transport.upload(files_path(self._session, "/tar", path), TAR, _chunks(archive))

    def watch(self, path: SandboxPath = ".", *, recursive: bool = False) -> AsyncGenerator[WatchEvent, None]:
        """The changes in a directory. The first event comes when it is watched; closing the iterator ends it."""
        call = files_path(self._session, "/watch", path, recursive=recursive)
        return self._transport.events(call, watch_event, None)


async def _chunks(content: Content | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The bytes of what is written to a file, in parts. A file is read in a thread."""
    if isinstance(content, AsyncIterable):
        async for chunk in content:
            yield chunk
        return
    parts = iter(file_calls.chunks(content))
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part
