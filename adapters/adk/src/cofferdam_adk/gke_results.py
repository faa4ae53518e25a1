"""Results with the very strings of GkeCodeExecutor, for whoever parses them. Pure."""

from collections.abc import Mapping

from google.adk.code_executors.code_execution_utils import CodeExecutionResult

from .component import Run
from .errors import SandboxError
from .files import output_files
from .results import ExecutionResult, exit_code

# What an API server says of the same, in a word.
_REASONS = {
    "quota": "Forbidden",
    "denied": "Forbidden",
    "unauthorised": "Unauthorized",
    "invalid-request": "Unprocessable Entity",
    "too-large": "Unprocessable Entity",
    "overloaded": "Too Many Requests",
}
# Where no Pod came to run, GkeCodeExecutor waits for its whole timeout and then raises.
_RAISED = ("unschedulable", "image-unavailable", "sandbox-unavailable", "startup-timeout", "cancelled")


def of_run(run: Run, files: Mapping[str, bytes], timeout_seconds: int) -> ExecutionResult:
    """The streams are one, as in a Pod's log; stderr comes first there, for Python writes stdout at its end."""
    outcome = run.outcome
    log = outcome.stderr.text + outcome.stdout.text
    result = ExecutionResult(output_files=output_files(files), outcome=outcome)
    if outcome.status.tag == "timed-out":
        job = f"Job '{outcome.id}' did not complete within {timeout_seconds}s."
        result.stderr = f"Executor timed out: {job}\n\nPod Logs:\n{log}"
        return result
    result.exit_code = exit_code(outcome)
    if result.exit_code == 0:
        result.stdout = log
    else:
        result.stderr = f"Job failed. Logs:\n{log}"
    return result


def of_error(error: SandboxError) -> CodeExecutionResult:
    """What was not run; raises the error itself where GkeCodeExecutor raises too."""
    if error.code in _RAISED:
        raise error
    if reason := _REASONS.get(error.code):
        return CodeExecutionResult(stderr=f"Kubernetes API error: {reason}")
    return CodeExecutionResult(stderr=f"An unexpected executor error occurred: {error.message}")
