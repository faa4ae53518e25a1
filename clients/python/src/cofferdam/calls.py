"""The calls of the HTTP API: what each sends, and how its response is read. No input or output happens here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar
from urllib.parse import quote, quote_from_bytes

from .errors import UnreachableError
from .events import Ended, execution_event
from .models import Execution, ExecutionEnd, ExecutionInfo, SessionInfo, Usage, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
SESSIONS = "/v1/sessions"
JSON = "application/json"
EVENTS = "text/event-stream"
OCTETS = "application/octet-stream"
TAR = "application/x-tar"


@dataclass(frozen=True)
class Call(Generic[T]):
    """A call without a streamed body."""

    method: str
    path: str
    parse: Callable[[Any], T]
    """Reads the response's JSON, which is None without a body."""
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patient: bool = False
    """Whether the response may take as long as a program."""

    def read(self, status: int, body: bytes) -> T:
        """The result from the body of a response that is no error."""
        try:
            return self.parse(json.loads(body) if body else None)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreachableError("the response is not one of a sidecar; check the address", status=status) from error


class ExecutionLimits(TypedDict, total=False):
    """Limits of an execution. A value above the operator's ceiling is refused."""

    wall_time_ms: int
    """Milliseconds from its start to its end."""
    output_bytes: int
    """Bytes kept of standard output and of standard error, each."""
    memory_bytes: int
    processes: int
    """Processes and threads."""


class SessionLimits(ExecutionLimits, total=False):
    """Limits of a session; those of wall time and output are the defaults of its executions."""

    disk_bytes: int
    cpu_millis: int
    """Thousandths of a CPU."""
    startup_time_ms: int
    """Milliseconds until its sandbox has started."""


class SessionOptions(TypedDict, total=False):
    """What a session may have; the operator's settings supply defaults and ceilings."""

    name: str
    """The caller's own name: if the caller has a session with it, that one is returned."""
    language: str
    image: str
    network: str
    limits: SessionLimits
    env: Mapping[str, str]
    working_dir: str
    metadata: Mapping[str, str]
    timeout: float
    """Seconds from now after which the session ends; `update` moves it."""
    max_lifetime: float
    """Seconds from now after which the session ends in any case."""
    idle_timeout: float
    """Seconds without an execution and without a request after which the session ends."""


class ExecutionOptions(TypedDict, total=False):
    """What an execution may have."""

    id: str
    """The caller's own id, which the session has not used before."""
    env: Mapping[str, str]
    working_dir: str
    stdin: bytes | str
    keeps_background: bool
    """Whether processes that its first process leaves behind go on."""
    limits: ExecutionLimits


class StartOptions(ExecutionOptions, total=False):
    """What an execution in the background may have in addition."""

    open_stdin: bool
    """Whether standard input stays open for `write_stdin`."""
    terminal: tuple[int, int]
    """Gives it a terminal with this number of columns and rows."""


@dataclass(frozen=True)
class Program:
    """What is executed."""

    member: str
    """`code`, `command` or `shell`."""
    value: str | Sequence[str]
    language: str | None = None
    args: Sequence[str] = ()


def arguments(command: Sequence[str]) -> Program:
    """A program and its arguments. Raises TypeError for text, whose characters would be arguments."""
    if isinstance(command, str):
        raise TypeError("the command is text; give a list of the program and its arguments, or call `shell`")
    return Program("command", list(command))


def code(text: str, language: str | None, args: Sequence[str]) -> Program:
    """Code and the arguments after its name. Raises TypeError for a command, and for arguments in one text."""
    if isinstance(args, str):
        raise TypeError("the arguments are text; give a list of them")
    return Program("code", _text("code", text), language, args)


def shell(line: str) -> Program:
    """A command line for a shell. Raises TypeError for a command."""
    return Program("shell", _text("command line", line))


def program(command: str | Sequence[str]) -> Program:
    """A command line for a shell if it is text, else a program and its arguments."""
    return shell(command) if isinstance(command, str) else arguments(command)


def _text(what: str, value: str) -> str:
    if not isinstance(value, str):
        problem = f"the {what} is not text but of the type {type(value).__name__}"
        raise TypeError(f"{problem}; give a str, or pass a list of a program and its arguments to `exec`")
    return value


def session_path(session: str, rest: str = "") -> str:
    """The path of a session, followed by `rest`."""
    return f"{SESSIONS}/{quote(session, safe='')}{rest}"


def execution_path(session: str, execution: str, rest: str = "") -> str:
    """The path of an execution, followed by `rest`."""
    return session_path(session, f"/executions/{quote(execution, safe='')}{rest}")


def query(**values: str | bytes | int | bool | None) -> str:
    """The query of these values, without those that are None."""
    given = ((name, value) for name, value in values.items() if value is not None)
    return "?" + "&".join(f"{name}={_quoted(value)}" for name, value in given)


def _quoted(value: str | bytes | int) -> str:
    if isinstance(value, bytes):
        return quote_from_bytes(value, safe="")
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def nothing(_: Any) -> None:
    """The result of a call whose response has no body."""


def _milliseconds(options: dict[str, Any]) -> dict[str, Any]:
    """The options with times in the unit of the API."""
    for name in ("timeout", "max_lifetime", "idle_timeout"):
        if (seconds := options.pop(name, None)) is not None:
            options[f"{name}_ms"] = round(seconds * 1000)
    return options


def create_session(options: SessionOptions, idempotency_key: str | None) -> Call[SessionInfo]:
    """Creates a session, or returns the caller's session with this name."""
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Call("POST", SESSIONS, SessionInfo.of, _json(_milliseconds({**options})), headers, patient=True)


def get_session(session: str) -> Call[SessionInfo]:
    """One of the caller's sessions."""
    return Call("GET", session_path(session), SessionInfo.of)


def list_sessions(metadata: Mapping[str, str]) -> Call[list[SessionInfo]]:
    """The caller's sessions that have all of this metadata."""
    pairs = "&".join(f"metadata.{_quoted(name)}={_quoted(value)}" for name, value in metadata.items())
    return Call("GET", f"{SESSIONS}?{pairs}", lambda body: [SessionInfo.of(info) for info in body["sessions"]])


def update(
    session: str, timeout: float | None, idle_timeout: float | None, metadata: Mapping[str, str] | None
) -> Call[SessionInfo]:
    """Changes a session. What is None stays as it is."""
    body = {"timeout": timeout, "idle_timeout": idle_timeout, "metadata": metadata}
    return Call("PATCH", session_path(session), SessionInfo.of, _json(_milliseconds(body)))


def close(session: str) -> Call[None]:
    """Closes a session."""
    return Call("DELETE", session_path(session), nothing)


def usage(session: str) -> Call[Usage]:
    """What a session uses now."""
    return Call("GET", session_path(session, "/usage"), Usage.of)


def _execution(what: Program, options: Mapping[str, Any], background: bool) -> bytes:
    body: dict[str, Any] = {**options, what.member: what.value}
    body |= {"language": what.language, "args": list(what.args) or None, "background": background}
    if "stdin" in options:
        body["stdin"] = write_bytes(options["stdin"])
    if "terminal" in options:
        body["terminal"] = dict(zip(("columns", "rows"), options["terminal"], strict=True))
    return _json(body)


def execute(session: str, what: Program, options: ExecutionOptions) -> Call[Execution]:
    """Executes a program to its end."""
    path = session_path(session, "/executions")
    return Call("POST", path, Execution.of, _execution(what, options, background=False), patient=True)


def start(session: str, what: Program, options: StartOptions) -> Call[ExecutionInfo]:
    """Starts a program in the background."""
    path = session_path(session, "/executions")
    return Call("POST", path, ExecutionInfo.of, _execution(what, options, background=True), patient=True)


def list_executions(session: str) -> Call[list[ExecutionInfo]]:
    """The executions of a session that are running, and the last ones that have ended."""
    path = session_path(session, "/executions")
    return Call("GET", path, lambda body: [ExecutionInfo.of(info) for info in body["executions"]])


def get_execution(session: str, execution: str) -> Call[ExecutionInfo]:
    """The state of an execution."""
    return Call("GET", execution_path(session, execution), ExecutionInfo.of)


END = 2**53
"""A position after all output: who reads from it gets the end only."""


def end_of(event: Any) -> ExecutionEnd | None:
    """The end of an execution, if the event is that. Raises the error of an execution whose end is unknown."""
    read = execution_event({name: value for name, value in event.items() if name in ("ended", "failed")})
    return read.end if isinstance(read, Ended) else None


def output_path(session: str, execution: str, from_position: int) -> str:
    """The path of the events of an execution."""
    return execution_path(session, execution, "/output" + query(**{"from": from_position}))


def write_stdin(session: str, execution: str, data: bytes | str, *, closes: bool) -> Call[None]:
    """Writes to the standard input of an execution, and may close it. Waits until the program takes the bytes."""
    path = execution_path(session, execution, "/stdin" + query(close=closes))
    content = data.encode() if isinstance(data, str) else data
    return Call("POST", path, nothing, content, {"Content-Type": OCTETS}, patient=True)


def signal(session: str, execution: str, number: int) -> Call[None]:
    """Sends a signal to the first process of an execution and its process group."""
    return Call("POST", execution_path(session, execution, "/signal"), nothing, _json({"signal": int(number)}))


def resize(session: str, execution: str, columns: int, rows: int) -> Call[None]:
    """Changes the size of the terminal of an execution."""
    size = _json({"columns": columns, "rows": rows})
    return Call("POST", execution_path(session, execution, "/resize"), nothing, size)


def kill(session: str, execution: str) -> Call[ExecutionInfo]:
    """Kills all processes of an execution, and waits for its end."""
    return Call("DELETE", execution_path(session, execution), ExecutionInfo.of)
