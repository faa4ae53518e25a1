"""Results with the strings of GkeCodeExecutor, for code that parses them. Pure."""

from collections.abc import Mapping

from google.adk.code_executors.code_execution_utils import CodeExecutionResult

from .component import Run
from .errors import SandboxError
from .files import output_files
from .results import ExecutionResult, exit_code

# The reason that an API server gives for the same failure.
_REASONS = {
    "quota": "Forbidden",
    "denied": "Forbidden",
    "unauthorised": "Unauthorized",
    "invalid-request": "Unprocessable Entity",
    "too-large": "Unprocessable Entity",
    "overloaded": "Too Many Requests",
}
# If no Pod starts, GkeCodeExecutor waits for its whole timeout and then raises.
_RAISED = ("unschedulable", "image-unavailable", "sandbox-unavailable", "startup-timeout", "cancelled")


def of_run(run: Run, files: Mapping[str, bytes], timeout_seconds: int) -> ExecutionResult:
    """Merges the streams, as a Pod's log does. stderr comes first there, because Python writes stdout when it exits."""
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
    """The result for a program that was not executed. Raises the error itself if GkeCodeExecutor raises too."""
    if error.code in _RAISED:
        raise error
    if reason := _REASONS.get(error.code):
        return CodeExecutionResult(stderr=f"Kubernetes API error: {reason}")
    return CodeExecutionResult(stderr=f"An unexpected executor error occurred: {error.message}")
