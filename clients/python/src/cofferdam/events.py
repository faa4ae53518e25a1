"""Events of executions and of watched directories, and their decoder."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .errors import UnreachableError, from_problem
from .models import ExecutionEnd, ExecutionInfo, path_of, read_bytes

StreamName = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Accepted:
    """The execution. This is the first event."""

    execution: ExecutionInfo


@dataclass(frozen=True)
class Output:
    """Bytes that a program wrote."""

    stream: StreamName
    data: bytes
    position: int
    """The number of bytes, of both streams together, before these."""

    @property
    def next_position(self) -> int:
        """The position from which a later reader continues."""
        return self.position + len(self.data)


@dataclass(frozen=True)
class Gap:
    """Bytes that are missing here, since the sidecar does not keep them any longer."""

    length: int


@dataclass(frozen=True)
class Truncated:
    """A stream has reached the limit of output: no more bytes of it follow."""

    stream: StreamName


@dataclass(frozen=True)
class Ended:
    """The execution has ended. This is the last event."""

    end: ExecutionEnd


ExecutionEvent = Accepted | Output | Gap | Truncated | Ended


@dataclass(frozen=True)
class Watching:
    """The directory is watched: later changes are reported. This is the first event."""


@dataclass(frozen=True)
class Changed:
    """A file has changed."""

    kind: Literal["created", "modified", "removed"]
    path: bytes
    """Relative to the watched directory."""


@dataclass(frozen=True)
class Overflow:
    """Changes were lost, as too many came at once: list the directory."""


WatchEvent = Watching | Changed | Overflow


def execution_event(event: Any) -> ExecutionEvent | None:
    """The event in JSON; None for one of a later version. Raises the error of an execution whose end is unknown."""
    match event:
        case {"stdout": data, "position": position}:
            return Output("stdout", read_bytes(data), position)
        case {"stderr": data, "position": position}:
            return Output("stderr", read_bytes(data), position)
        case {"accepted": info}:
            return Accepted(ExecutionInfo.of(info))
        case {"gap": length}:
            return Gap(length)
        case {"truncated": stream}:
            return Truncated(stream)
        case {"ended": end}:
            return Ended(ExecutionEnd.of(end))
        case {"failed": problem}:
            raise from_problem(problem)
    return None


def watch_event(event: Any) -> WatchEvent | None:
    """The event in JSON; None for one of a later version. Raises the error of a watch that has failed."""
    match event:
        case {"watching": _}:
            return Watching()
        case {"changed": change}:
            return Changed(change["kind"], path_of(change, "path") or b"")
        case {"overflow": _}:
            return Overflow()
        case {"failed": problem}:
            raise from_problem(problem)
    return None


class EventDecoder:
    """Decodes server-sent events, whose data is JSON."""

    def __init__(self) -> None:
        """Has no bytes yet."""
        self._line = bytearray()
        self._data: list[bytes] = []

    def push(self, chunk: bytes) -> Iterator[Any]:
        """The events that are complete with these bytes."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._line += line
            complete, self._line = bytes(self._line).removesuffix(b"\r"), bytearray()
            if complete.startswith(b"data:"):
                self._data.append(complete[5:].removeprefix(b" "))
            elif not complete and self._data:
                data, self._data = b"\n".join(self._data), []
                yield json.loads(data)
        self._line += rest


def incomplete() -> UnreachableError:
    """The error of events that end before the last one."""
    return UnreachableError("the connection ended before the last event; follow the execution again from the last position")
