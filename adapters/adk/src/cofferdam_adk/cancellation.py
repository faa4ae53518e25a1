"""Detects that an agent was cancelled.

google-adk calls an executor in a thread and awaits that thread. Cancelling the agent cancels the awaiting task and does not
stop the thread. So this module watches the task from its event loop.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any


class Cancellation:
    """Whether the caller has cancelled, and a function to call then. Thread-safe."""

    def __init__(self) -> None:
        """Not cancelled yet."""
        self._lock = threading.Lock()
        self._cancelled = False
        self._listener: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Calls the listener, at once or when it is registered."""
        with self._lock:
            self._cancelled = True
            listener = self._listener
        if listener is not None:
            listener()

    def on_cancel(self, listener: Callable[[], None]) -> None:
        """Registers the function to call when the caller cancels, from any thread; at once if it has cancelled already."""
        with self._lock:
            self._listener = listener
            cancelled = self._cancelled
        if cancelled:
            listener()

    @property
    def cancelled(self) -> bool:
        """Whether the caller has cancelled."""
        return self._cancelled


def of_current_task() -> Cancellation:
    """Follows the cancellation of the next await of the current task. Outside a task, nothing cancels it."""
    cancellation = Cancellation()
    try:
        task = asyncio.current_task()
    except RuntimeError:
        # There is no event loop in this thread.
        return cancellation
    if task is not None:
        # The loop calls this after the task has started its next await.
        asyncio.get_running_loop().call_soon(_follow, task, cancellation)
    return cancellation


def _follow(task: asyncio.Task[Any], cancellation: Cancellation) -> None:
    # Watch the awaited future, not the task, which continues after a timeout. anyio relies on this attribute too.
    awaited: asyncio.Future[Any] = getattr(task, "_fut_waiter", None) or task

    def done(future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            cancellation.cancel()

    awaited.add_done_callback(done)
