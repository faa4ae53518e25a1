"""A code executor for google-adk that runs programs in gVisor sandboxes, in the place of `GkeCodeExecutor`."""

from .errors import SandboxError
from .executor import CofferdamCodeExecutor
from .results import ExecutionResult

__all__ = ["CofferdamCodeExecutor", "ExecutionResult", "SandboxError"]
