"""What the sidecar responds."""

import base64
import codecs
from dataclasses import dataclass
from typing import Any, Literal

FileKind = Literal["file", "directory", "link", "other"]


def read_bytes(value: Any) -> bytes:
    """Bytes in JSON: a string, or an object with base64."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"], validate=True)


def write_bytes(data: bytes | str) -> Any:
    """Bytes or text for JSON."""
    if isinstance(data, str):
        return data
    return {"base64": base64.b64encode(data).decode()}


@dataclass(frozen=True)
class Status:
    """How a program ended."""

    kind: str
    """`exited`, `killed`, `timed-out`, `out-of-memory`, `out-of-disk`, `out-of-processes` or `cancelled`."""
    code: int | None = None
    """The exit code, or the signal that killed it."""

    @classmethod
    def of(cls, value: Any) -> "Status":
        """The status in JSON."""
        if isinstance(value, str):
            return cls(value)
        ((kind, code),) = value.items()
        return cls(kind, code)


@dataclass(frozen=True)
class Execution:
    """An execution that has ended."""

    id: str
    status: Status
    exit_code: int
    """The exit code that a shell has for this status."""
    stdout: bytes
    """The kept bytes of standard output: all of them, or the head and the tail."""
    stderr: bytes
    """The kept bytes of standard error."""
    stdout_length: int
    """The number of bytes that it wrote to standard output."""
    stderr_length: int
    """The number of bytes that it wrote to standard error."""
    stdout_cut: int | None
    """If bytes of standard output are missing: how many of the kept ones are before them."""
    stderr_cut: int | None
    """If bytes of standard error are missing: how many of the kept ones are before them."""

    @property
    def truncated(self) -> bool:
        """Whether bytes of standard output or standard error are missing."""
        return self.stdout_cut is not None or self.stderr_cut is not None

    @property
    def text(self) -> str:
        """Standard output as text: bytes that are not UTF-8 are replaced, and a line says how many are missing."""
        return _text(self.stdout, self.stdout_length, self.stdout_cut)

    @property
    def error_text(self) -> str:
        """Standard error as text: bytes that are not UTF-8 are replaced, and a line says how many are missing."""
        return _text(self.stderr, self.stderr_length, self.stderr_cut)

    @classmethod
    def of(cls, outcome: Any) -> "Execution":
        """The outcome in JSON."""
        stdout, stderr = outcome["stdout"], outcome["stderr"]
        return cls(
            outcome["id"],
            Status.of(outcome["status"]),
            outcome["exit_code"],
            read_bytes(stdout["content"]),
            read_bytes(stderr["content"]),
            stdout["length"],
            stderr["length"],
            stdout.get("cut"),
            stderr.get("cut"),
        )


def _text(content: bytes, length: int, cut: int | None) -> str:
    """The text of a stream of `length` bytes. A character of which bytes are missing is left out."""
    if cut is None:
        return content.decode(errors="replace")
    head = codecs.getincrementaldecoder("utf-8")("replace").decode(content[:cut])
    tail = content[cut:]
    rest = next((index for index, byte in enumerate(tail[:3]) if byte & 0xC0 != 0x80), min(3, len(tail)))
    newline = "" if not head or head.endswith("\n") else "\n"
    # A sandbox that died early did not report the length.
    missing = max(length - len(content), 0) or "an unknown number of"
    return f"{head}{newline}[... {missing} bytes cut ...]\n{tail[rest:].decode(errors='replace')}"


@dataclass(frozen=True)
class ExecutionEnd:
    """How an execution ended."""

    status: Status
    exit_code: int
    run_time_ms: int
    left_running: int
    """Processes that it left running."""

    @classmethod
    def of(cls, end: Any) -> "ExecutionEnd":
        """The end in JSON."""
        return cls(Status.of(end["status"]), end["exit_code"], end["run_time_ms"], end["left_running"])


@dataclass(frozen=True)
class ExecutionInfo:
    """The state of an execution."""

    id: str
    command: str
    """What is executed, shortened."""
    pid: int | None
    started_ms: int
    """When it started, in milliseconds since 1970."""
    background: bool
    terminal: bool
    end: ExecutionEnd | None
    """How it ended, if it has."""

    @classmethod
    def of(cls, info: Any) -> "ExecutionInfo":
        """The state in JSON."""
        end = info.get("end")
        return cls(
            info["id"],
            info["command"],
            info.get("pid"),
            info["started_ms"],
            info["background"],
            info["terminal"],
            ExecutionEnd.of(end) if end else None,
        )


@dataclass(frozen=True)
class SessionInfo:
    """The state of a session. Times are in milliseconds since 1970."""

    id: str
    name: str | None
    language: str
    image: str | None
    metadata: dict[str, str]
    created_ms: int
    expires_ms: int
    ends_at_most_ms: int
    idle_timeout_ms: int
    working_dir: str
    limits: dict[str, int]
    executions: int
    """Executions that are running."""
    warm: bool
    """Whether its sandbox was prewarmed."""

    @classmethod
    def of(cls, info: Any) -> "SessionInfo":
        """The state in JSON. Members that this version does not know are ignored."""
        optional = {"name": info.get("name"), "image": info.get("image")}
        return cls(**optional, **{name: info[name] for name in cls.__dataclass_fields__ if name not in optional})


@dataclass(frozen=True)
class Usage:
    """What a session uses now."""

    memory_bytes: int
    disk_bytes: int
    processes: int
    """Processes and threads."""
    cpu_time_ms: int

    @classmethod
    def of(cls, usage: Any) -> "Usage":
        """The usage in JSON."""
        return cls(**{name: usage[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class FileEntry:
    """A file, a directory, or something else that has a path."""

    path: bytes
    """In a list, it is relative to the directory."""
    kind: FileKind
    size: int
    mode: int
    """The permission bits."""
    modified_ms: int
    target: bytes | None
    """The target of a symbolic link."""

    @property
    def name(self) -> str:
        """The path as text; bytes that are not UTF-8 are replaced."""
        return self.path.decode(errors="replace")

    @classmethod
    def of(cls, entry: Any) -> "FileEntry":
        """The entry in JSON."""
        path, target = path_of(entry, "path"), path_of(entry, "target")
        return cls(path or b"", entry["kind"], entry["size"], int(entry["mode"], 8), entry["modified_ms"], target)


def path_of(entry: Any, name: str) -> bytes | None:
    """The bytes of a path in JSON, which are beside it in base64 if they are not UTF-8."""
    if (encoded := entry.get(f"{name}_bytes")) is not None:
        return base64.b64decode(encoded)
    text: str | None = entry.get(name)
    return None if text is None else text.encode()
