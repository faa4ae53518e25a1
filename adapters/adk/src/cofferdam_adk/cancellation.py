"""Noticing that an agent was cancelled.

google-adk calls an executor in a thread and awaits it: cancelling the agent ends the waiting and leaves the thread alone. So
the task that awaits is watched from its own event loop.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any


class Cancellation:
    """Whether a caller has given up, and who is told of it. Safe from all threads."""

    def __init__(self) -> None:
        """One that nobody has given up yet."""
        self._lock = threading.Lock()
        self._given_up = False
        self._listener: Callable[[], None] | None = None

    def give_up(self) -> None:
        """Tells the listener, now or when there is one."""
        with self._lock:
            self._given_up = True
            listener = self._listener
        if listener is not None:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Has `listener` called, from whichever thread, once the caller gives up; at once if it has."""
        with self._lock:
            self._listener = listener
            given_up = self._given_up
        if given_up:
            listener()

    @property
    def given_up(self) -> bool:
        """Whether the caller has given up."""
        return self._given_up


def of_current_task() -> Cancellation:
    """The cancellation of what the task that runs now awaits next; of nothing where no task runs."""
    cancellation = Cancellation()
    try:
        task = asyncio.current_task()
    except RuntimeError:
        # Not on an event loop.
        return cancellation
    if task is not None:
        # By its next turn the loop has let the task go until it awaits.
        asyncio.get_running_loop().call_soon(_follow, task, cancellation)
    return cancellation


def _follow(task: asyncio.Task[Any], cancellation: Cancellation) -> None:
    # What is awaited, rather than the task: that goes on after a timeout of its own. anyio relies on this attribute too.
    awaited: asyncio.Future[Any] = getattr(task, "_fut_waiter", None) or task

    def done(future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            cancellation.give_up()

    awaited.add_done_callback(done)
