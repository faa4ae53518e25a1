"""Converts between google-adk's files and those of the contract. Pure."""

import base64
import binascii
import mimetypes
from collections.abc import Iterable, Mapping

from google.adk.code_executors.code_execution_utils import File

from .errors import SandboxError

# `mimetypes` knows different types on each machine; agents often create these.
_MIME_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# google-adk shares artifacts with this prefix among all sessions of a user.
_USER_PREFIX = "user:"


def contents(files: Iterable[File]) -> dict[str, bytes]:
    """The bytes of input files by path. Raises SandboxError for a value that is not a google-adk file."""
    found: dict[str, bytes] = {}
    for file in files:
        if not isinstance(file, File) or not isinstance(file.name, str):
            raise SandboxError("invalid-request", f"an input file is a {type(file).__name__}, not a File with a name")
        if file.name in found:
            raise SandboxError("invalid-request", f"there are two input files named {file.name!r}")
        found[file.name] = _content(file)
    return found


def _content(file: File) -> bytes:
    if isinstance(file.content, bytes):
        return file.content
    try:
        return base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        message = f"the input file {file.name!r} is neither bytes nor a string of base64"
        raise SandboxError("invalid-request", message) from error


def output_files(files: Mapping[str, bytes]) -> list[File]:
    """Returned files, as google-adk saves them. A program cannot save a file outside its session."""
    return [
        File(name=path, content=content, mime_type=_mime_type(path, content))
        for path, content in files.items()
        if not path.startswith(_USER_PREFIX)
    ]


def _mime_type(path: str, content: bytes) -> str:
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if known := _MIME_TYPES.get(suffix) or mimetypes.guess_type(path, strict=True)[0]:
        return known
    try:
        content.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain"
