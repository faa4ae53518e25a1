"""The files of a session, for the sync client."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from . import file_calls, trees
from .calls import OCTETS, TAR
from .events import WatchEvent, watch_event
from .file_calls import Content, SandboxPath, files_path
from .models import FileEntry
from .transport import Transport


class Files:
    """The files of a session. A path is relative to `/work`, or absolute."""

    def __init__(self, transport: Transport, session: str) -> None:
        """The files of the session with this id."""
        self._transport, self._session = transport, session

    def read(self, path: SandboxPath) -> bytes:
        """The content of a regular file."""
        return b"".join(self.stream(path))

    def stream(self, path: SandboxPath) -> Generator[bytes, None, None]:
        """The content of a regular file, in parts."""
        return self._transport.download(files_path(self._session, "", path), OCTETS)

    def write(self, path: SandboxPath, content: Content, mode: int | None = None) -> None:
        """Writes a regular file: bytes, text, what a binary file has, or parts. Until it returns, the old content stays."""
        self._transport.upload(file_calls.write_path(self._session, path, mode), OCTETS, file_calls.chunks(content))

    def stat(self, path: SandboxPath) -> FileEntry:
        """What has a path. A symbolic link is not followed."""
        return self._transport.send(file_calls.stat(self._session, path))

    def list(self, path: SandboxPath = ".", depth: int = 1) -> Sequence[FileEntry]:
        """The entries of a directory, in no particular order, with paths relative to it."""
        return self._transport.send(file_calls.list_directory(self._session, path, depth))

    def make_directory(self, path: SandboxPath, mode: int | None = None) -> None:
        """Makes a directory, and missing ones above it. One that exists stays as it is."""
        self._transport.send(file_calls.make_directory(self._session, path, mode))

    def move(self, source: SandboxPath, target: SandboxPath) -> None:
        """Moves a file or a directory, and replaces a file. Between file systems, only files and links are moved."""
        self._transport.send(file_calls.move(self._session, source, target))

    def remove(self, path: SandboxPath) -> None:
        """Removes a file, or a directory with everything in it."""
        self._transport.send(file_calls.remove(self._session, path))

    def read_tree(self, path: SandboxPath, directory: str | os.PathLike[str]) -> tuple[str, ...]:
        """Reads a directory with everything in it into a new or empty one of this machine.

        Returns the symbolic links that are left out, since they could lead out of it. Raises ValueError if the directory of
        this machine has entries.
        """
        chunks = self._transport.download(files_path(self._session, "/tar", path), TAR)
        with tempfile.TemporaryFile() as archive, contextlib.closing(chunks):
            for chunk in chunks:
                archive.write(chunk)
            return trees.unpack(archive, Path(directory))

    def write_tree(self, path: SandboxPath, directory: str | os.PathLike[str]) -> None:
        """Writes what is in a directory of this machine into one of the sandbox, which is made."""
        with tempfile.TemporaryFile() as archive:
            trees.pack(Path(directory), archive)
            self._transport.upload(files_path(self._session, "/tar", path), TAR, file_calls.chunks(archive))

    def watch(self, path: SandboxPath = ".", *, recursive: bool = False) -> Generator[WatchEvent, None, None]:
        """The changes in a directory. The first event comes when it is watched; closing the iterator ends it."""
        call = files_path(self._session, "/watch", path, recursive=recursive)
        return self._transport.events(call, watch_event, None)
