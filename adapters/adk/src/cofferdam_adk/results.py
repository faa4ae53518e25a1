"""Converts an outcome to a result for google-adk's flow. Pure.

The flow decides by a result's `stderr` alone whether the program failed. It shows the model either `stderr` or `stdout`,
never both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.adk.code_executors.code_execution_utils import CodeExecutionResult

from .component import Run
from .files import output_files

_KILLED = 128 + 9
_TIMED_OUT = 124


@dataclass
class ExecutionResult(CodeExecutionResult):
    """A google-adk result with the whole outcome."""

    outcome: Any = None
    """The contract's `outcome`: `id`, `status`, both streams, exact and separate, `timings`. Files are in `output_files`."""


def exit_code(outcome: Any) -> int:
    """The exit code of a shell and of `cofferdam run`: 128 plus the signal, 124 for time, 137 for memory and processes."""
    status = outcome.status
    match status.tag:
        case "exited" | "out-of-disk":
            return int(status.payload)
        case "killed":
            return 128 + int(status.payload)
        case "timed-out":
            return _TIMED_OUT
    return _KILLED


def of_run(run: Run, files: Mapping[str, bytes]) -> ExecutionResult:
    """A program that exited with 0 has succeeded, whatever it wrote to stderr. All others have failed, even without output."""
    outcome = run.outcome
    saved = output_files(files)
    code = exit_code(outcome)
    if outcome.status.tag == "exited" and code == 0:
        stdout, stderr = _success(outcome), ""
    else:
        stdout, stderr = outcome.stdout.text, run.rendered + _saved([file.name for file in saved])
    return ExecutionResult(stdout=stdout, stderr=stderr, output_files=saved, exit_code=code, outcome=outcome)


def _success(outcome: Any) -> str:
    """The exact stdout of the program, then its stderr and its skipped files, marked."""
    text: str = outcome.stdout.text
    if outcome.stderr.text:
        text += _after(text) + "[stderr]\n" + outcome.stderr.text
    for file in outcome.skipped:
        text += _after(text) + f"[not returned: {file.path}: {file.reason}]\n"
    return text


def _after(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


def _saved(names: list[str]) -> str:
    """The flow names artifacts only if there is no stderr; this is its text."""
    return "Saved artifacts:\n" + ",".join(f"`{name}`" for name in names) + "\n" if names else ""
