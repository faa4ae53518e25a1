"""A code executor for google-adk that executes programs in gVisor sandboxes. It replaces `GkeCodeExecutor`."""

from .errors import SandboxError
from .executor import CofferdamCodeExecutor
from .results import ExecutionResult

__all__ = ["CofferdamCodeExecutor", "ExecutionResult", "SandboxError"]
