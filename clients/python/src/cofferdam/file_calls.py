"""The calls that concern files, and what they send. No input or output over the network happens here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from .calls import Call, nothing, query, session_path
from .models import FileEntry

SandboxPath = str | bytes | os.PathLike[str]
"""A path in the sandbox: relative to `/work`, or absolute."""
Content = bytes | bytearray | memoryview | str | IO[bytes] | Iterable[bytes]
"""What is written to a file."""
CHUNK = 256 << 10


def files_path(session: str, call: str, path: SandboxPath, **values: str | bytes | int | bool | None) -> str:
    """The path of a call on the files of a session."""
    return session_path(session, f"/files{call}{query(path=os.fsencode(path), **values)}")


def write_path(session: str, path: SandboxPath, mode: int | None) -> str:
    """The path of a call that writes a file with these permission bits."""
    return files_path(session, "", path, mode=_octal(mode))


def stat(session: str, path: SandboxPath) -> Call[FileEntry]:
    """What has a path."""
    return Call("GET", files_path(session, "/stat", path), FileEntry.of)


def list_directory(session: str, path: SandboxPath, depth: int) -> Call[list[FileEntry]]:
    """The entries of a directory."""
    call = files_path(session, "/list", path, depth=depth)
    return Call("GET", call, lambda body: [FileEntry.of(entry) for entry in body["entries"]], patient=True)


def make_directory(session: str, path: SandboxPath, mode: int | None) -> Call[None]:
    """Makes a directory, and missing ones above it."""
    return Call("POST", files_path(session, "/directories", path, mode=_octal(mode)), nothing)


def move(session: str, source: SandboxPath, target: SandboxPath) -> Call[None]:
    """Moves a file or a directory, and replaces a file."""
    paths = query(**{"from": os.fsencode(source), "to": os.fsencode(target)})
    return Call("POST", session_path(session, f"/files/move{paths}"), nothing)


def remove(session: str, path: SandboxPath) -> Call[None]:
    """Removes a file, or a directory with everything in it."""
    return Call("DELETE", files_path(session, "", path), nothing, patient=True)


def chunks(content: Content) -> Iterable[bytes]:
    """The bytes of what is written to a file, in parts."""
    if isinstance(content, str):
        return iter((content.encode(),))
    if isinstance(content, (bytes, bytearray, memoryview)):
        return iter((bytes(content),))
    read: Callable[[int], bytes] | None = getattr(content, "read", None)
    return content if read is None else _read(read)


def _read(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(CHUNK):
        yield chunk


def _octal(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:03o}"
