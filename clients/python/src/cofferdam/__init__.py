"""A client for the sessions of a Cofferdam sidecar. `docs/sessions.md` describes them."""

from .async_client import AsyncClient, AsyncProcess, AsyncSession
from .async_files import AsyncFiles
from .calls import ExecutionLimits, ExecutionOptions, SessionLimits, SessionOptions, StartOptions
from .client import Client, Process, Session
from .errors import (
    CofferdamError,
    ConflictError,
    DeniedError,
    GoneError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    TooLargeError,
    UnauthorisedError,
    UnreachableError,
)
from .events import Accepted, Changed, Ended, ExecutionEvent, Gap, Output, Overflow, Truncated, WatchEvent, Watching
from .files import Files
from .models import Execution, ExecutionEnd, ExecutionInfo, FileEntry, SessionInfo, Status, Usage

__all__ = [
    "Accepted",
    "AsyncClient",
    "AsyncFiles",
    "AsyncProcess",
    "AsyncSession",
    "Changed",
    "Client",
    "CofferdamError",
    "ConflictError",
    "DeniedError",
    "Ended",
    "Execution",
    "ExecutionEnd",
    "ExecutionEvent",
    "ExecutionInfo",
    "ExecutionLimits",
    "ExecutionOptions",
    "FileEntry",
    "Files",
    "Gap",
    "GoneError",
    "InvalidRequestError",
    "NotFoundError",
    "Output",
    "Overflow",
    "OverloadedError",
    "Process",
    "QuotaError",
    "Session",
    "SessionInfo",
    "SessionLimits",
    "SessionOptions",
    "StartOptions",
    "Status",
    "TooLargeError",
    "Truncated",
    "UnauthorisedError",
    "UnreachableError",
    "Usage",
    "WatchEvent",
    "Watching",
]
